"""Reports: one result or one refused file in the form that a reader wants."""
