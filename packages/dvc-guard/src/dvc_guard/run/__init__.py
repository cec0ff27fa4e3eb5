"""`dvc-guard run`: a process in front of the command of a stage."""
