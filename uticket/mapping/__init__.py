"""Which weights run where."""
