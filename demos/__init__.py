"""The lecture as programs: `python -m demos NAME`, one module for each section."""
