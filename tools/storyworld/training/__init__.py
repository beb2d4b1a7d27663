"""How the embedded models are made: from nothing but the storyworld, on one CPU or one GPU.

    python -m kinograph.tools.storyworld.training.clips       --out runs/clips
    python -m kinograph.tools.storyworld.training.words       --out runs/words
    python -m kinograph.tools.storyworld.training.autoencoder --data runs/clips --out runs/autoencoder
    python -m kinograph.tools.storyworld.training.latents     --data runs/clips --run runs
    python -m kinograph.tools.storyworld.training.layout      --run runs --out runs/layout
    python -m kinograph.tools.storyworld.training.draft       --run runs --out runs/draft
    python -m kinograph.tools.storyworld.training.locator     --run runs --out runs/locator
    python -m kinograph.tools.storyworld.training.unets       --part image --run runs --out runs/image
    python -m kinograph.tools.storyworld.training.unets       --part video --run runs --out runs/video
    python -m kinograph.tools.storyworld.training.embedder    --data runs/clips --out runs/embedder
    python -m kinograph.tools.storyworld.training.export      --run runs

`adopt` starts a run from the weights that ship instead. Every command goes on from the last checkpoint in its `--out`
folder, stops cleanly after `--minutes` or on Ctrl-C, and writes its settings, its loss curve and the commit beside the
weights. `--help` tells more.
"""
