"""mmcheck: is a multimodal training dataset sound, before a GPU finds out?"""

__version__ = "0.1.0"
