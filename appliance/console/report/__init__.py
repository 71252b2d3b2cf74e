"""What `show` commands write: values and snapshots made into lines of text. No I/O."""
