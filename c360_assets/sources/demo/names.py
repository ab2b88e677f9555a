"""Pools of invented names for people and companies, and how the demo draws from them.

Nothing here is a real person or firm. What does NOT belong here: who works where, and which
address a person writes from (`population`).
"""

from dataclasses import dataclass

import numpy as np

FIRST_NAMES = tuple(
    """
    Abigail Ada Adrian Agnes Aida Alan Albert Alejandra Alice Alvin Amara Amelia Amos Andre Angela
    Anita Anton Arlene Arthur Audrey August Barbara Barry Beatrice Benjamin Bernice Bertha Beth
    Bettina Blanche Boris Brenda Bruno Byron Calvin Camila Carla Carlos Carmen Cecil Celia Chandra
    Charles Chloe Clara Claude Clifford Colette Conrad Constance Cora Cyrus Dahlia Damian Daphne
    Darius Deborah Delia Denise Derek Diego Dolores Doreen Dorothy Duncan Earl Edgar Edith Edward
    Eileen Elena Eli Elizabeth Elmer Eloise Elsa Emil Emma Enid Erica Ernest Esther Ethel Eugene
    Evelyn Ezra Faith Farah Felix Fiona Flora Florence Floyd Frances Freda Gabriel Gail Gerald
    Gilbert Gladys Glenn Gloria Grace Greta Gustav Gwen Hannah Harold Harriet Hattie Hazel Hector
    Heidi Helga Herbert Hilda Hiram Hope Horace Hubert Ida Igor Imani Ines Ingrid Irene Iris Isaac
    Isabel Ivan Jacob Jamal James Jasmine Jerome Joan Joel Jonas Jordan Josefa Joyce Judith Julius
    June Karen Karl Keiko Kendra Kurt Laila Lars Laura Leah Lena Leo Leroy Lilian Lionel Lois Lorena
    Louis Lucia Luther Lydia Mabel Magnus Maisie Manuel Marco Marian Marta Matilda Maureen Mavis
    Maxine Melvin Mercy Mildred Milo Minnie Mira Mona Morris Myra Nadia Naomi Neil Nellie Nina Noel
    Nora Norman Octavia Olga Oliver Opal Oscar Otis Otto Pablo Pamela Patricia Paula Pearl Percy
    Perla Philip Phoebe Priya Quentin Rafael Ralph Ramona Raul Renata Rhoda Richard Rita Robert
    Roland Rosa Roscoe Ruben Ruby Rufus Ruth Salma Samuel Selma Seth Sheila Sibyl Sidney Silas Simon
    Sonia Stella Stephanie Susan Sylvia Tamara Tariq Tess Theodore Thomas Tilda Tobias Ulrich Una
    Ursula Vera Vernon Victor Viola Violet Wade Wallace Walter Wanda Wesley Wilbur Wilma Winifred
    Xavier Yolanda Yusuf Yvette Zelda Zora
    """.split()
)

_LAST_STARTS = (
    "Alder Ash Barn Beck Birch Black Bram Brook Cald Carl Chad Clay Cran Dal Dun East Elm Fair "
    "Fern Fox Glen Gold Gran Hart Hazel Hol King Lang Linden Long Marl Mill North Oak Penn Raven "
    "Rook Sand Stan Thorn Under Wake West Whit Wood"
).split()
_LAST_ENDS = (
    "bury by cott croft den field ford gate ham hurst ley man more ridge shaw stone ton wick worth "
    "yard"
).split()
LAST_NAMES = tuple(start + end for start in _LAST_STARTS for end in _LAST_ENDS)

NICKNAMES = {
    "Abigail": "Abby", "Albert": "Bert", "Angela": "Angie", "Benjamin": "Ben",
    "Charles": "Chuck", "Constance": "Connie", "Deborah": "Debbie", "Dorothy": "Dot",
    "Edward": "Ted", "Elizabeth": "Liz", "Eugene": "Gene", "Frances": "Fran",
    "Gabriel": "Gabe", "Gerald": "Jerry", "Herbert": "Herb", "Isabel": "Bella",
    "James": "Jim", "Judith": "Judy", "Matilda": "Tilly", "Pamela": "Pam",
    "Patricia": "Patty", "Philip": "Phil", "Richard": "Rick", "Robert": "Bob",
    "Samuel": "Sam", "Stephanie": "Steph", "Susan": "Sue", "Theodore": "Theo",
    "Thomas": "Tom", "Victor": "Vic", "Walter": "Walt", "Winifred": "Winnie",
}  # fmt: skip

PERSONAL_DOMAINS = ("gmail.com", "hotmail.com", "yahoo.com", "icloud.com", "outlook.com")
PERSONAL_SHARES = (0.265, 0.255, 0.23, 0.225, 0.025)

_ADJECTIVES = tuple(
    """
    Agile Amber Angry Arctic Atomic Awkward Azure Bold Brave Brazen Breezy Bright Bronze Burning
    Busy Candid Carefree Celestial Cheerful Chilly Clever Cobalt Copper Cosmic Cranky Crimson
    Curious Daring Dashing Dizzy Dusty Eager Electric Elegant Emerald Famous Fearless Fierce Fiery
    Flying Foggy Frosty Fuzzy Gentle Giant Gilded Glad Grand Happy Hasty Hidden Hungry Icy Iron
    Ivory Jolly Keen Kind Lazy Lively Lofty Loud Lucky Lunar Magic Marble Mellow Merry Midnight
    Mighty Misty Modest Mystic Nimble Noble Nocturnal Patient Peppery Plucky Polite Proud Quick
    Quiet Rapid Restless Roaming Rowdy Royal Rustic Salty Savage Scarlet Secret Silent Silver Sleepy
    Smoky Snappy Solar Spicy Stormy Sturdy Sunny Swift Tireless Thunder Turbo Twilight Velvet
    Vintage Wandering Whirling Wild Wise Witty Zesty
    """.split()
)
_NOUNS = tuple(
    """
    Aces Acrobats Admirals Anglers Antelopes Archers Armadillos Astronauts Avengers Badgers Bandits
    Barracudas Bats Beavers Bees Bison Blazers Bobcats Brewers Broncos Buccaneers Buffaloes Bulldogs
    Camels Captains Cardinals Caribou Cheetahs Chargers Chefs Cobras Colts Comets Condors Corsairs
    Cougars Cowboys Coyotes Crabs Cranes Cricketers Crows Cyclones Dingoes Dolphins Dragons Drifters
    Ducks Eagles Elephants Explorers Falcons Ferrets Firebirds Flamingos Foxes Gators Gazelles
    Geckos Geese Giraffes Gladiators Goats Gophers Grizzlies Gulls Hamsters Hawks Hedgehogs Hermits
    Herons Hornets Huskies Ibises Jackals Jaguars Jesters Jets Kings Knights Koalas Lemurs Leopards
    Lions Lizards Llamas Lobsters Lynxes Magpies Mammoths Mariners Martens Meerkats Monarchs Moose
    Muskrats Narwhals Newts Nomads Ocelots Octopuses Oilers Orcas Otters Owls Pandas Panthers
    Parrots Patriots Pelicans Penguins Pikes Pilots Pioneers Pirates Ponies Puffins Pumas Quails
    Rabbits Raccoons Rams Rangers Ravens Rebels Rhinos Rockets Roosters Sailors Salmons Scorpions
    Seals Sharks Sherpas Skunks Sloths Sparrows Spiders Squids Stallions Stingrays Storks Swans
    Tapirs Terrapins Tigers Titans Toads Toucans Trojans Turtles Vikings Vipers Voyagers Walruses
    Wasps Weasels Whales Wizards Wolves Wombats Wranglers Yaks Zebras
    """.split()
)
_SUFFIXES = ("", "Labs", "Media", "Group", "Works", "Studio", "Foods", "Partners", "Systems",
             "Logistics", "Travel", "Design", "Energy")  # fmt: skip
_PAIRS = len(_ADJECTIVES) * len(_NOUNS)
_STRIDE = 7919  # a prime above both pools, so that it shares no factor with _PAIRS


@dataclass(frozen=True)
class Company:
    """A company's name, its domain in lower case, and the domain as its people may write it."""

    name: str
    domain: str
    capital_domain: str


def company(index: int, seed: int) -> Company:
    """Return the company number `index`; no two indexes of one seed share a domain.

    The pairs of adjective and noun are walked by a stride that shares no factor with their
    number; once they are used up, the same pairs come again with a suffix, then with a number.
    """
    tier, place = divmod(index, _PAIRS)
    code = (place * _STRIDE + seed * 31) % _PAIRS
    adjective, noun = divmod(code, len(_NOUNS))
    wrap, suffix = divmod(tier, len(_SUFFIXES))
    words = [_ADJECTIVES[adjective], _NOUNS[noun], _SUFFIXES[suffix]]
    words.append(str(wrap + 1) if wrap else "")
    ending = _ending(code * 48_271 % 100)
    stem = "".join(words)
    return Company(
        " ".join(word for word in words if word), f"{stem.lower()}.{ending}", f"{stem}.{ending}"
    )


def team_name(rng: np.random.Generator) -> str:
    """Return the name of a gaggle that isn't called after a company; names may repeat."""
    adjective = _ADJECTIVES[int(rng.integers(len(_ADJECTIVES)))]
    return f"{adjective} {_NOUNS[int(rng.integers(len(_NOUNS)))]}"


def people(rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Return `count` distinct pairs of first and last name, the common ones of each pool first."""
    codes = np.empty(0, dtype=np.int64)
    while len(codes) < count:
        first = (rng.random(count) ** 1.2 * len(FIRST_NAMES)).astype(np.int64)
        last = (rng.random(count) ** 1.2 * len(LAST_NAMES)).astype(np.int64)
        # a walk through the pools keeps the favourites from being the first of the alphabet
        first, last = first * 101 % len(FIRST_NAMES), last * 307 % len(LAST_NAMES)
        drawn = np.concatenate([codes, first * len(LAST_NAMES) + last])
        codes = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    pairs = (divmod(code, len(LAST_NAMES)) for code in codes[:count].tolist())
    return [(FIRST_NAMES[first], LAST_NAMES[last]) for first, last in pairs]


def _ending(percent: int) -> str:
    for bound, ending in ((55, "com"), (76, "co"), (90, "net")):
        if percent < bound:
            return ending
    return "ai"
