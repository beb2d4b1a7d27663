"""VideoCrafter2 (Chen et al. 2024, "Overcoming Data Limitations for High-Quality Video Diffusion Models") in diffusers.

diffusers has no pipeline for it: `pipeline` renders, `scheduler` and `unet` are what it has of its own, and `convert`
makes its folder from the published checkpoint, whose layout `lvdm` knows.
"""
