"""Data sets to learn from: images in three fixed parts, and a time series."""

from minigen.data.sets import Dataset, Part, digits, fashion, lynx, mnist, own

__all__ = ["Dataset", "Part", "digits", "fashion", "lynx", "mnist", "own"]
