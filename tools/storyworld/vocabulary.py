"""The words of the storyworld: how captions say each value, and which other English words mean it."""

from __future__ import annotations

from kinograph.film import Camera, Motion, TimeOfDay
from kinograph.tools.storyworld.world import Color, Kind, LookName, Setting

# ---- what `describe` says; `read` understands all of it word for word

KIND_WORDS: dict[Kind, tuple[str, ...]] = {
    "ball": ("ball", "ball", "sphere", "orb"),
    "box": ("box", "box", "cube", "crate"),
    "star": ("star", "star", "little star", "five-pointed star"),
    "heart": ("heart", "heart", "heart shape", "little heart"),
    "ring": ("ring", "ring", "hoop", "round hoop"),
    "fish": ("fish", "fish", "little fish", "finned fish"),
    "bird": ("bird", "bird", "songbird", "birdie"),
    "car": ("car", "car", "automobile", "motorcar"),
    "boat": ("boat", "boat", "sailboat", "ship"),
    "house": ("house", "house", "cottage", "little house"),
    "tree": ("tree", "tree", "leafy tree", "round tree"),
    "rocket": ("rocket", "rocket", "spaceship", "rocket ship"),
    "flower": ("flower", "flower", "blossom", "bloom"),
    "robot": ("robot", "robot", "android", "droid"),
    "person": ("person", "person", "human", "human figure"),
    "cat": ("cat", "cat", "kitten", "kitty"),
}  # fmt: skip

COLOR_WORDS: dict[Color, tuple[str, ...]] = {
    "red": ("red", "red", "bright red", "crimson", "scarlet"),
    "orange": ("orange", "orange", "bright orange", "tangerine", "vivid orange"),
    "yellow": ("yellow", "yellow", "bright yellow", "golden", "lemon"),
    "green": ("green", "green", "bright green", "emerald", "vivid green"),
    "cyan": ("cyan", "cyan", "bright cyan", "turquoise", "aqua"),
    "blue": ("blue", "blue", "bright blue", "azure", "cobalt"),
    "purple": ("purple", "purple", "bright purple", "violet", "vivid purple"),
    "pink": ("pink", "pink", "bright pink", "hot pink", "magenta"),
}  # fmt: skip

MOTION_WORDS: dict[Motion, tuple[str, ...]] = {
    "stays": (
        "stays still", "stays in place", "rests in place", "keeps still", "does not move", "stands still",
    ),
    "moves left": (
        "moves left", "moves to the left", "glides leftwards", "drifts from right to left", "travels left",
        "heads to the left",
    ),
    "moves right": (
        "moves right", "moves to the right", "glides rightwards", "drifts from left to right",
        "travels right", "heads to the right",
    ),
    "rises": ("rises", "rises into the air", "floats upwards", "goes up", "climbs higher", "ascends"),
    "falls": ("falls", "falls to the ground", "drops down", "comes down", "sinks lower", "descends"),
    "bounces": (
        "bounces", "bounces up and down", "hops", "jumps up and down", "keeps bouncing", "hops in place",
    ),
    "spins": (
        "spins", "spins around", "rotates", "twirls", "whirls on the spot", "turns around its centre",
    ),
    "grows": (
        "grows", "gets bigger", "becomes larger", "swells", "grows in size", "gets larger and larger",
    ),
    "shrinks": (
        "shrinks", "gets smaller", "becomes smaller", "dwindles", "shrinks in size",
        "gets smaller and smaller",
    ),
    "circles": (
        "circles", "moves in a circle", "goes in circles", "orbits", "goes round and round", "loops around",
    ),
}  # fmt: skip

TRAVEL_VERBS: dict[Kind, str] = {
    "ball": "rolls",
    "ring": "rolls",
    "box": "slides",
    "fish": "swims",
    "bird": "flies",
    "car": "drives",
    "boat": "sails",
    "rocket": "flies",
    "robot": "marches",
    "person": "walks",
    "cat": "runs",
    "star": "floats",
    "heart": "floats",
}  # fmt: skip

SETTING_WORDS: dict[Setting, tuple[str, ...]] = {
    "meadow": (
        "in a meadow", "in a green meadow", "on a grassy field", "in a flowery meadow", "on the prairie",
    ),
    "desert": (
        "in the desert", "in a sandy desert", "among sand dunes", "in the dry dunes", "in a yellow desert",
    ),
    "sea": ("by the sea", "by the blue sea", "at the beach", "on the seashore", "by the ocean"),
    "city": ("in a city", "in the big city", "on a city street", "in a town", "downtown"),
    "snow": (
        "in the snow", "in a snowy landscape", "in a white winter landscape", "on a snow field",
        "in deep snow",
    ),
    "hills": (
        "in the hills", "among rolling hills", "among green hills", "in hilly country",
        "in a hilly landscape",
    ),
    "forest": ("in a forest", "in the woods", "in a deep forest", "in a green woodland", "in the forest"),
    "space": ("in space", "in outer space", "in a distant galaxy", "out in the cosmos", "on the moon"),
}  # fmt: skip

TIME_WORDS: dict[TimeOfDay, tuple[str, ...]] = {
    "dawn": ("at dawn", "at sunrise", "at daybreak", "early in the morning", "as the sun comes up"),
    "day": ("by day", "in daylight", "in the daytime", "at noon", "on a sunny day"),
    "sunset": ("at sunset", "at dusk", "in the evening", "as the sun goes down", "in the golden hour"),
    "night": ("at night", "by night", "in the moonlight", "after dark", "at midnight"),
}  # fmt: skip

CAMERA_WORDS: dict[Camera, tuple[str, ...]] = {
    "static": (
        "static camera", "the camera holds still", "a fixed camera", "locked-off shot",
        "the camera does not move",
    ),
    "pan left": (
        "pan left", "the camera pans left", "the camera pans to the left", "a slow pan to the left",
        "panning left",
    ),
    "pan right": (
        "pan right", "the camera pans right", "the camera pans to the right", "a slow pan to the right",
        "panning right",
    ),
    "tilt up": (
        "tilt up", "the camera tilts up", "the camera tilts upwards", "a slow tilt up", "tilting up",
    ),
    "tilt down": (
        "tilt down", "the camera tilts down", "the camera tilts downwards", "a slow tilt down",
        "tilting down",
    ),
    "zoom in": (
        "zoom in", "the camera zooms in", "the camera slowly moves closer", "push in", "a slow zoom in",
    ),
    "zoom out": (
        "zoom out", "the camera zooms out", "the camera slowly moves away", "pull back", "a slow zoom out",
    ),
}  # fmt: skip

LOOK_WORDS: dict[LookName, tuple[str, ...]] = {
    "flat": ("flat look", "flat style", "a flat illustration", "flat design", "drawn flat"),
    "ink": ("ink look", "ink style", "an ink drawing", "pen and ink", "drawn in ink"),
    "neon": ("neon look", "neon style", "in glowing neon", "neon lights", "a neon picture"),
    "noir": ("noir look", "noir style", "film noir", "a noir picture", "shot as film noir"),
}  # fmt: skip

# ---- what `read` also understands

MORE_KINDS: dict[Kind, str] = {
    "ball": "globe marble football basketball beachball",
    "box": "parcel package carton chest block",
    "star": "asterisk",
    "heart": "",
    "ring": "circlet donut lifebuoy wheel",
    "fish": "goldfish trout",
    "bird": "sparrow robin pigeon",
    "car": "sedan taxi cab auto",
    "boat": "yacht vessel sloop",
    "house": "home cabin hut",
    "tree": "oak",
    "rocket": "spacecraft starship",
    "flower": "daisy tulip rose",
    "robot": "bot",
    "person": "man woman men women girl boy child children kid people figure lady guy somebody someone",
    "cat": "tomcat",
}  # fmt: skip

STAND_INS: dict[Kind, str] = {
    "ball": "balloon apple egg pumpkin bubble coin bomb",
    "box": "book gift brick suitcase cup television computer",
    "star": "comet snowflake starfish meteor",
    "heart": "",
    "ring": "ufo bracelet crown tire",
    "fish": "whale shark dolphin turtle octopus seal",
    "bird": (
        "dragon eagle owl duck butterfly bee plane airplane aeroplane helicopter bat penguin drone "
        "kite chicken parrot"
    ),
    "car": "truck bus bike bicycle motorcycle train tank tractor van",
    "boat": "submarine canoe raft",
    "house": "castle tower lighthouse barn church temple tent windmill skyscraper",
    "tree": "bush cactus palm fir pine mushroom",
    "rocket": "missile shuttle firework",
    "flower": "plant",
    "robot": "machine cyborg toy doll puppet",
    "person": (
        "knight wizard witch king queen princess prince astronaut pirate hero heroine soldier "
        "detective dancer chef doctor teacher farmer fairy ninja samurai ghost monster alien snowman "
        "clown baby grandmother grandfather father mother traveler traveller runner"
    ),
    "cat": (
        "dog puppy horse fox wolf bear rabbit bunny lion tiger mouse cow sheep pig elephant deer "
        "monkey squirrel zebra giraffe goat hamster lizard frog"
    ),
}  # fmt: skip
"""Things the world does not have, drawn as what comes nearest; always reported."""

MORE_COLORS: dict[Color, str] = {
    "red": "ruby cherry maroon burgundy vermilion",
    "orange": "amber apricot",
    "yellow": "gold mustard",
    "green": "lime mint jade olive",
    "cyan": "teal",
    "blue": "navy sapphire indigo",
    "purple": "lavender lilac mauve plum",
    "pink": "fuchsia salmon rosy coral",
}  # fmt: skip

LACKING_COLORS: dict[Color, str] = {
    "yellow": "white cream beige ivory",
    "blue": "black",
    "orange": "brown bronze copper tan",
    "cyan": "gray grey silver",
}  # fmt: skip
"""Colors the world does not have; always reported."""

OWN_COLOR: dict[Kind, Color] = {
    "ball": "red",
    "box": "orange",
    "star": "yellow",
    "heart": "red",
    "ring": "yellow",
    "fish": "orange",
    "bird": "blue",
    "car": "red",
    "boat": "blue",
    "house": "red",
    "tree": "green",
    "rocket": "red",
    "flower": "pink",
    "robot": "cyan",
    "person": "blue",
    "cat": "orange",
}  # fmt: skip
"""The color of a thing that is named without one."""

MORE_SETTINGS: dict[Setting, str] = {
    "meadow": r"meadows?|prairie|pasture|grassland|grass|fields?|lawn",
    "desert": r"deserts?|dunes?|sahara|sands?",
    "sea": r"seas?|oceans?|beach|seashore|shore|coast|seaside|waves",
    "city": r"cit(?:y|ies)|towns?|downtown|streets?|skyline|metropolis|road",
    "snow": r"snow|snowy landscape|snowfield|winter(?: landscape| wonderland)?|snowy \w+",
    "hills": r"hills?|hilly \w+|hillside",
    "forest": r"forests?|woods|woodlands?|jungle",
    "space": "space|outer space|galaxy|cosmos|universe|moon",
}  # fmt: skip

STAND_IN_SETTINGS: dict[Setting, str] = {
    "meadow": "garden park farm sky backyard playground stadium",
    "desert": "canyon mars wasteland volcano cave pyramid egypt",
    "sea": "lake river pool harbor harbour island underwater reef pond water",
    "city": (
        "kitchen room bedroom school office market village shop museum station library factory bridge "
        "paris london tokyo"
    ),
    "snow": "ice glacier arctic antarctica iceberg",
    "hills": "mountains mountain valley cliff countryside vineyard",
    "forest": "swamp rainforest treehouse grove orchard",
    "space": "stars planet orbit nebula void sun",
}  # fmt: skip
"""Places the world does not have; always reported."""

MORE_TIMES: dict[TimeOfDay, str] = {
    "dawn": r"dawn|sunrise|daybreak|(?:early )?morning|sun ?rises|sun is rising|rising sun|first light",
    "sunset": r"sunset|dusk|twilight|evening|golden hour|sun ?sets|sun is setting|setting sun",
    "night": r"nights?|night-?time|moonlight|moonlit|midnight|after dark|starry|under the stars|starlight",
    "day": "day|daytime|daylight|noon|midday|afternoon|sunny|sunlit|sunshine",
}  # fmt: skip

MORE_LOOKS: dict[LookName, str] = {
    "ink": r"ink|inked|sketch|pencil|hand-?drawn|comic",
    "neon": "neon|cyberpunk|synthwave|glowing outlines",
    "noir": "noir|black[- ]and[- ]white|monochrome",
    "flat": "flat|cartoon|vector|minimalist",
}  # fmt: skip

FOREIGN_LOOKS = (
    r"photo-?realistic|realistic|anime|watercolou?r|oil painting|3d|pixar|claymation|pixel art|vintage|"
    r"cinematic|stop[- ]motion"
)
"""Looks the world does not have; drawn flat and reported."""
