"""Boots the image in QEMU and looks at it from outside, as the user and the meters do."""
