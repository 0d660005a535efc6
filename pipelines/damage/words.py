"""What texts say: words, phrases and names in several languages, numbers, dates, made-up addresses.

All of it was written for this project. Names of people, firms and sites are made up from syllables; addresses end in
`.example`, which nobody can own (RFC 2606).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from pipelines.damage.holes import integer

Language = Literal["de", "en", "es", "fr", "ja", "ko", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

PHRASES: dict[Language, tuple[str, ...]] = {
    "de": (
        *(
            "Guten Morgen",
            "Bis bald",
            "Schöne Grüße",
            "Nur heute",
            "Frühling am See",
            "Über den Dächern",
            "Ein Sommertag",
        ),
        *("Bitte nicht stören", "Das war knapp", "Wir sehen uns morgen", "Heimweg", "Größer denken", "Ausverkauf"),
        *("Unterwegs im Norden", "Warum eigentlich nicht?", "Herzlich willkommen", "Alles Gute!", "Kapitel drei"),
    ),
    "en": (
        *(
            "Good morning",
            "See you soon",
            "Best wishes",
            "Today only",
            "Spring by the lake",
            "Above the roofs",
            "Sample",
        ),
        *("Do not copy", "That was close", "The long way home", "Think bigger", "Sale", "Chapter three", "Proof copy"),
        *("Why not?", "Welcome back", "All the best!", "Summer 2019", "Live", "Breaking news", "No filter", "Draft"),
        *("I thought you would never ask", "Where did they all go?", "We have to leave before dark", "Weekend market"),
    ),
    "es": (
        *(
            "Buenos días",
            "Hasta pronto",
            "Un abrazo",
            "Solo hoy",
            "Primavera en el lago",
            "El camino a casa",
            "Rebajas",
        ),
        *("¿Por qué no?", "Bienvenidos", "¡Mucha suerte!", "Capítulo tres", "Nos vemos mañana", "Piensa en grande"),
        *("Otoño en la ciudad", "No me lo puedo creer", "Vista al mar", "Mañana será otro día"),
    ),
    "fr": (
        *("Bonjour à tous", "À bientôt", "Amitiés", "Aujourd'hui seulement", "Printemps au bord du lac", "Soldes"),
        *("Pourquoi pas ?", "Bienvenue", "Bonne chance !", "Chapitre trois", "À demain", "Le chemin du retour"),
        *("C'était moins une", "Un été en forêt", "Déjà vu", "Ne pas copier", "Reçu hier soir", "Vue sur la mer"),
    ),
    "ja": (
        *("おはよう", "またあした", "春の湖", "本日限り", "夏の思い出", "大切な人へ", "いってきます", "お知らせ"),
        *("写真を撮ろう", "第三章", "帰り道", "ようこそ", "無断転載禁止", "見本", "また会いましょう", "東京の夜"),
        *("本当にそうかな", "静かな海", "雨上がり", "ありがとう", "セール開催中", "特集"),
    ),
    "ko": (
        *("안녕하세요", "내일 봐요", "봄날의 호수", "오늘만", "여름의 추억", "소중한 사람에게", "다녀오겠습니다"),
        *("사진 한 장", "제삼장", "집으로 가는 길", "환영합니다", "무단 복제 금지", "견본", "서울의 밤", "정말 그럴까"),
        *("조용한 바다", "비 온 뒤", "고맙습니다", "할인 중", "특집"),
    ),
    "zh": (
        *("早上好", "明天见", "湖边的春天", "仅限今天", "夏日回忆", "给最重要的人", "我出发了", "通知"),
        *("拍一张照片", "第三章", "回家的路", "欢迎光临", "禁止转载", "样图", "后会有期", "上海之夜"),
        *("真的是这样吗", "安静的大海", "雨过天晴", "谢谢大家", "限时优惠", "专题报道"),
    ),
}
"""Short texts as they stand on photographs."""

PROBES: dict[Language, str] = {
    "de": "äöüß", "en": "AZaz09", "es": "ñ¿á", "fr": "éàçê", "ja": "あ本ア", "ko": "안한글", "zh": "这湖见",
}  # fmt: skip
"""Letters that a font must have to write a language."""

_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ra",
    "ven",
    "to",
    "sel",
    "nor",
    "bri",
    "du",
    "fa",
    "len",
    "zo",
    "pi",
    "mar",
    "ti",
    "ha",
)
_TRADES = ("Photo", "Studio", "Images", "Pictures", "Archive", "Media", "Press", "Stock")
_SEPARATORS = (".", "/", "-", " ")


def phrase(rng: np.random.Generator, language: Language) -> str:
    """A short text; of Latin letters now and then all in capitals."""
    text = _one(rng, PHRASES[language])
    return text.upper() if "ß" not in text and rng.random() < 0.2 else text


def anything(rng: np.random.Generator, language: Language) -> str:
    """A phrase mostly; else a number, a date, an address or a handle, which are the same in all languages."""
    share = rng.random()
    if share < 0.7:
        return phrase(rng, language)
    if share < 0.78:
        return str(integer(rng, 1, 9999))
    if share < 0.86:
        return date(rng)
    return site(rng) if share < 0.93 else handle(rng)


def name(rng: np.random.Generator) -> str:
    """A made-up name."""
    return "".join(_one(rng, _SYLLABLES) for _ in range(integer(rng, 2, 3))).capitalize()


def person(rng: np.random.Generator, language: Language) -> str:
    """A made-up name of a person: two words, in East Asia two characters and a title."""
    if language in ("ja", "zh", "ko"):
        family, title = {"ja": ("林森原谷", "さん"), "zh": ("林方石江", "先生"), "ko": ("김이박최", " 기자")}[language]
        return _one(rng, tuple(family)) + title
    return f"{name(rng)} {name(rng)}"


def brand(rng: np.random.Generator) -> str:
    """A made-up name of an agency."""
    return f"{name(rng)}{_one(rng, ('', ' '))}{_one(rng, _TRADES)}"


def site(rng: np.random.Generator) -> str:
    return f"www.{name(rng).lower()}.example"


def handle(rng: np.random.Generator) -> str:
    return f"@{name(rng).lower()}{_one(rng, ('', '_', '.'))}{_one(rng, ('', 'pics', 'foto', str(integer(rng, 1, 99))))}"


def date(rng: np.random.Generator) -> str:
    """A day, in the order and with the signs of one country or another."""
    year, month, day, sign = integer(rng, 1985, 2025), integer(rng, 1, 12), integer(rng, 1, 28), _one(rng, _SEPARATORS)
    parts = [f"{year}", f"{month:02}", f"{day:02}"]
    order = ((0, 1, 2), (2, 1, 0), (1, 2, 0))[integer(rng, 0, 2)]
    return sign.join(parts[place] for place in order)


def stamp(rng: np.random.Generator) -> str:
    """What a camera writes into the corner: a day, some with the time."""
    year, month, day = integer(rng, 1988, 2012), integer(rng, 1, 12), integer(rng, 1, 28)
    text = (f"'{year % 100:02} {month:2} {day:2}", f"{year}/{month:02}/{day:02}", f"{day}.{month}.{year}")[
        integer(rng, 0, 2)
    ]
    return f"{text} {integer(rng, 0, 23):2}:{integer(rng, 0, 59):02}" if rng.random() < 0.4 else text


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[integer(rng, 0, len(choices) - 1)]
