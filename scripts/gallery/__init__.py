"""Pictures of every page of a simulated device."""
