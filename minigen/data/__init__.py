"""Images and series to learn from, in parts that never change."""

from minigen.data.sets import Dataset, Part, digits, fashion, lynx, mnist, own

__all__ = ["Dataset", "Part", "digits", "fashion", "lynx", "mnist", "own"]
