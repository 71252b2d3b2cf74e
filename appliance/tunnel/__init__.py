"""The tunnel: TCP in, the M-Bus line out, and the way back."""
