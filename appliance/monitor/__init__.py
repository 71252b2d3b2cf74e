"""The last telegrams on the line, as they went by."""
