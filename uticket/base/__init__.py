"""What every folder may use: errors, files, seeds, progress, numbers as text."""
