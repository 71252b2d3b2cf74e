"""The meters that the device knows: the list, their readings, the schedule, and who carries it out."""
