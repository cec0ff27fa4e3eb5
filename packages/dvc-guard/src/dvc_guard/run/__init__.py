"""`dvc-guard run`: a process in front of the command of a stage."""


def main(arguments: list[str]) -> int:
    """Run a command as the stage of DVC that started this process; return its exit status."""
    from dvc_guard.run.command_line import main  # the holder of the lock needs none of it

    return main(arguments)
