"""Builds the SD card's image. Needs Python 3.11 or later and nothing but its library; the tools are Debian's."""
