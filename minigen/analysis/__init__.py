"""Measures of models and of their samples, and the terms of their losses."""
