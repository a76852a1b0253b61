"""Watches services, heals what a restart heals, proves that it helped, and explains every decision."""

__version__ = "0.1.0"
