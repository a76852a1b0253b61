"""What do many checks say together? Pure arithmetic."""
