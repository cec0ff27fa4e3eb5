"""DVC records only what ran, and you can get back: guarded stages, checks of commits, and recovery."""
