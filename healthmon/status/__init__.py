"""How is a service? Pure arithmetic on its checks."""
