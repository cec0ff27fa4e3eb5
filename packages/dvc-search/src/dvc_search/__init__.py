"""Search over the parameters of a DVC project; each trial is a DVC experiment."""
