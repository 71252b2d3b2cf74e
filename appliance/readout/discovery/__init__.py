"""Finding the meters of a bus, by primary and by secondary address."""
