"""The smallest film: a brief in, an mp4 out."""

from kinograph import Studio

film = Studio().make("A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night.")
print(film.path)
for cut in film.timeline:
    print(f"{cut.start:5.2f} s  {cut.shot}, take {cut.attempt}")
