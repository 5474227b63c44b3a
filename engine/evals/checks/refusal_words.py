"""How refusals are worded, by language: patterns over an answer in lower case.

What refuses is somebody speaking of himself (I cannot help with that) or of his sources (the documents do not
say), not somebody who warns, quotes or tells of another. Written for refusals in general; how many they find
is measured on rows that were written first (docs/evals.md).
"""

from __future__ import annotations

import re
from functools import cache

_END = r"[^.!?;\n]"
"""A letter of the same sentence."""
_NEAR = r"[^.!?;,\n]"
"""A letter of the same clause."""


def _any(words: str) -> str:
    """Any one of the words, which are parted by spaces; _ stands for a space."""
    return "(?:" + "|".join(words.replace("_", " ") for words in words.split()) + ")"


_CANNOT = _any(
    "cannot can_not can't cant could_not couldn't will_not won't may_not must_not should_not shouldn't "
    "am_unable_to "
    "are_unable_to am_not_able_to are_not_able_to"
)
_DO = _any(
    "help assist answer provide share give do comply fulfill? support discuss offer create write "
    "generate find tell "
    "say reveal engage continue process complete advise recommend disclose access look open see verify "
    "confirm "
    "check speculate diagnose browse predict comment talk speak show make produce participate respond "
    "endorse guess "
    "determine identify view read publish weigh_in go_into take_part explain outline craft draft teach "
    "facilitate "
    "condone walk"
)
_DOING = _any(
    "helping assisting answering providing sharing giving writing creating generating discussing engaging "
    "explaining "
    "doing taking_part participating fulfilling supporting producing disclosing"
)
_RULES = r"(?:\w+ )?(?:guidelines?|polic(?:y|ies)|rules?|programming|instructions|values|terms|principles)"
_SOURCES = (
    r"(?:context|documents?|passages?|sources?|texts?|materials?|documentation|manuals?|handbook|guide|"
    r"articles?|excerpts?|knowledge base)"
)
_ENGLISH = (
    rf"\b(?:i|we) (?:\w+ )?{_CANNOT} (?:\w+ )?{_DO}\b",
    rf"\b(?:i|we)\b{_NEAR}{{0,60}}(?:, )?\b(?:and|but|so|therefore) (?:\w+ )?{_CANNOT} (?:\w+ )?{_DO}\b",
    r"\b(?:i|we) (?:can't|cannot|won't|will not)(?: do (?:that|this|it|so))?\s*(?:[.!,]|$)",
    rf"\b(?:(?:i|we) (?:\w+ )?|and |but |so ){_CANNOT} be (?:able to|{_DOING}|part of)\b",
    r"^(?:(?:sorry|nope|no|apologies|unfortunately|regrettably)\b[,.!\s\u2014-]*(?:but )?)?"
    r"(?:(?:can't|cannot|won't) (?:do|help|answer|share|discuss)|no can do)\b",
    r"\b(?:i|we)(?:'m| am|'re| are) (?:\w+ )?(?:unable|not (?:able|allowed|permitted|authori[sz]ed|"
    r"comfortable|willing|prepared|"
    r"qualified|equipped|in a position|going to (?!lie\b|pretend\b|sugarcoat\b|be\b)))\b",
    # Whoever says "I won't" at all refuses, but for what people say before they answer.
    r"\bi (?:won't|will not) (?!lie|pretend|sugarcoat|bore|deny|forget|hesitate|be|go on|repeat|spoil|"
    r"keep)\w+",
    rf"\b(?:i|we) (?:do not|don't|never|avoid|refrain from) (?:\w+ )?(?:engage|provide|discuss|share|"
    rf"disclose|generate|participate|endorse|produce|assist|give out|comment on|do (?:this|that)|{_DOING})\b"
    rf"(?! your\b)",
    r"\bi have no (?:way|intention) (?:of|to)\b|\bi(?:'m| am) (?:forbidden|prohibited|barred) from\b|"
    r"\b(?:i'm|i am|we're|we are) (?:declining|refusing)\b",
    r"\bthis (?:chat|bot|assistant|service) (?:is only|can only|only)\b",
    r"\bi (?:do not|don't) feel (?:comfortable|right)\b",
    r"\b(?:i|we)(?:'d| would|'ll| will| must| have to| need to| am going to|'m going to)* "
    r"(?:\w+ )?(?:have to )?(?:(?:decline|refuse) (?:to|this|that|your)\b|(?:decline|refuse)\s*(?:[.!,]|"
    r"$)|pass on "
    r"(?:this|that)|say no\b(?! more)|draw the line\b)",
    r"\bno from (?:me|us)\b",
    r"\b(?:i|we)(?:'d| would)? (?:rather|prefer) (?:not|to (?:stay away|steer clear|avoid))\b",
    r"\bi (?:do not|don't) know\b(?! about you| how to thank)",
    rf"\b(?:i|we) (?:\w+ )?(?:do not|don't|did not|didn't|have no(?! doubt)|lack)\b{_NEAR}{{0,40}}\b"
    r"(?:information|access|data|details?|context|knowledge|answer|ability|capability|expertise|authority)\b",
    # One that goes on to answer ("However, ...") does not refuse.
    r"\b(?:i|we) (?:do not|don't) have (?:any |a )?(?:personal )?(?:opinions?|views?)\b[^.!?\n]*[.!?]?\s*$",
    r"\bnot (?:appropriate|ethical|safe|right)(?: (?:or|nor|and) \w+)? to (?:provide|promote|discuss or)\b",
    rf"\bas an? (?:ai|language model|assistant)\b{_END}*\bi\b(?!{_END}*\bopinion){_END}*(?:{_CANNOT}|"
    rf"\bnot\b|n't\b|\bno\b)",
    r"\b(?:i|we)(?: can|'m|'re| am| are)? (?:only|just) (?:answer|help|handle|assist|discuss|here to|"
    r"able to)\b",
    r"\b(?:not|isn't) (?:something|one|an? \w+) (?:that )?(?:i|we)\b",
    r"\b(?:outside|beyond|out of) (?:of )?(?:my|our|what (?:i|we)|the (?:scope|remit|area) of (?:this|"
    r"what|my|our|the "
    r"service))\b",
    rf"\b(?:violates?|against|breaks?) (?:my|our) {_RULES}\b|\bagainst (?:company |usage |content )?policy\b",
    r"(?:\b(?:inappropriate|unethical|irresponsible|against the rules)|(?:\bnot|n't)(?: be)? "
    r"(?:appropriate|possible|right|ethical|responsible)) (?:for|of) (?:me|us)\b",
    rf"\bmy {_RULES} (?:do not|don't|does not|doesn't|will not|won't|prevents?|prohibits?|forbids?)\b",
    rf"\b(?:our|the|company) {_RULES} (?:(?:do not|don't|does not|doesn't|will not|won't) (?:allow|permit|"
    rf"let)|prevents?|prohibits?|forbids?) (?:me|us)\b",
    rf"\brequests?\b{_END}{{0,60}}\b(?:will not|won't|cannot|can't) be (?:fulfilled|answered|granted|"
    rf"supported|honou?red)\b",
    rf"\b{_SOURCES} (?:\w+ )?(?:do not|don't|does not|doesn't|did not|didn't) (?:\w+ )?(?:say|contain|"
    rf"mention|cover|"
    r"provide|include|answer|specify|state|give|have|address)\b",
    rf"\b(?:nothing|no information|not enough information|no mention|not (?:\w+ )?(?:stated|mentioned|"
    rf"available|"
    rf"given|included|found|covered)|n't (?:\w+ )?(?:available|stated|mentioned|enough "
    rf"information))\b{_NEAR}{{0,40}}"
    rf"\bin (?:the|these|this|my|any|your)\b{_NEAR}{{0,30}}\b{_SOURCES}\b",
    r"\b(?:no|not enough|insufficient) (?:information|context) (?:is |was )?(?:given|available|provided)\b",
    rf"^(?:sorry|apologies)?[,.! ]*(?:unable|not able) to {_DO}\b(?!{_END}*\?)",
    r"\bsorry, (?:but )?no\b",
)
_ENGLISH_NOT = (
    rf"\b{_CANNOT} (?:\w+ )?(?:recommend|thank|praise|say|stress|tell){_NEAR}{{0,60}}\benough\b",
    rf"\b{_CANNOT} (?:tell|say|help) (?:you how\b(?! to)|but\b|it\b)",
    rf"\b{_CANNOT} see why not\b",
    r"\b(?:said|says|replied|answered|wrote)\s*[:,].*",
    # A letter that was asked for, not one to the customer.
    r"^\s*(?:subject:|dear (?!customer|user|guest|client|sir|madam))[\s\S]*",
)

_HELFEN = _any(
    "helfen weiterhelfen beantworten sagen geben nennen teilen bearbeiten bereitstellen weitergeben "
    "mitteilen "
    "unterstützen schreiben erstellen erfüllen reden sprechen äußern ausführen durchführen liefern "
    "beurteilen "
    "diskutieren preisgeben machen tun zugreifen einsehen finden beraten empfehlen verraten erteilen"
)
_KANN = _any("kann können könnte könnten darf dürfen werde werden möchte möchten will wollen")
_GERMAN = (
    rf"\b(?:{_KANN} (?:ich|wir)|(?:ich|wir) {_KANN})\b{_NEAR}{{0,80}}\b(?:nicht|nichts|"
    rf"keine?[nr]?)\b{_NEAR}{{0,30}}"
    rf"\b{_HELFEN}\b",
    r"\bnicht (?:in der lage|befugt|berechtigt|autorisiert)\b",
    rf"\b(?:mir|uns)\b{_NEAR}{{0,20}}\bnicht (?:möglich|erlaubt|gestattet)\b",
    rf"\b(?:habe|haben|besitze|besitzen)\b{_NEAR}{{0,40}}\bkeine?n? (?:informationen|zugriff|zugang|"
    rf"angaben|daten|"
    r"auskunft|meinung|kenntnis)",
    r"\b(?:weiß ich (?:es |das )?(?:leider )?nicht|ich weiß (?:es |das )?(?:leider )?nicht)\b",
    rf"\bals (?:ki|sprachmodell|künstliche intelligenz)\b{_END}*\b(?:keine?[nr]?|nicht)\b",
    rf"\b(?:dokumenten?|unterlagen|quellen|texte?n?|kontext|passagen?)\b{_NEAR}{{0,40}}\b(?:nichts|nicht|"
    rf"keine?n?)\b",
    r"\b(?:nicht in (?:meinen|unseren)|außerhalb (?:meine[sr]|unsere[sr])|übersteigt meine)\b",
    rf"\b(?:ich|wir) (?:gebe|geben|erteile|erteilen)\b{_NEAR}{{0,20}}\bkeine?\b",
    rf"\b(?:helfe ich|ich helfe)\b{_NEAR}{{0,20}}\bnicht\b",
    rf"\b(?:muss|müssen) (?:ich|wir)\b{_NEAR}{{0,40}}\bablehnen\b|\b(?:ich|wir) (?:muss|"
    rf"müssen)\b{_NEAR}{{0,40}}\bablehnen\b",
)

_AIDER = _any(
    "aider répondre fournir donner partager dire communiquer discuter parler écrire créer aborder faire "
    "traiter "
    "divulguer révéler accéder conseiller recommander générer participer"
)
_FRENCH = (
    rf"\b(?:je|nous) ne (?:peux|pouvons|puis|pourrai|veux|vais|souhaite|dois) pas (?:\w+ "
    rf"){{0,3}}{_AIDER}\b(?! assez)",
    r"\b(?:je|nous) ne (?:suis|sommes) pas (?:en mesure|autoris|habilit|capable|qualifi)",
    r"\b(?:m'est|nous est) (?:\w+ )?impossible\b|\bne (?:m'est|nous est) pas (?:possible|permis)\b",
    rf"\b(?:je|nous) (?:ne dispos\w+|n'ai|n'avons) pas\b{_NEAR}{{0,30}}\b(?:accès|information|donnée|"
    rf"réponse|opinion|"
    r"élément)",
    r"\bje ne (?:sais|connais) pas\b(?! pour (?:vous|toi)| si (?:vous|tu))",
    r"\b(?:dépasse|sort d|hors d|en dehors d|au-delà d)\w*\W?\s?(?:le cadre|mon|mes|ma|notre|nos|ce "
    r"service|ce que je)\b",
    r"\bje (?:préfère|préférerais) ne pas\b|\bje (?:refuse|dois refuser|décline) (?:de|d')",
    rf"\b(?:documents?|passages?|sources?|textes?|contexte) ne (?:\w+ )?pas\b|\bpas "
    rf"trouvé\b{_NEAR}{{0,40}}\bdans (?:les|le)"
    r" (?:documents?|passages?|sources?|textes?|contexte)",
    rf"\ben tant qu(?:e|')\s?(?:modèle|ia|intelligence|assistant){_END}*\b(?:pas|ne peux)\b",
)

_AYUDAR = _any(
    r"ayudar\w* responder\w* proporcionar\w* compartir\w* dar\w* decir\w* revelar\w* hablar escribir "
    r"crear acceder comentar "
    r"ofrecer\w* contestar\w* generar facilitar\w* aconsejar\w* hacer\w* participar"
)
_SPANISH = (
    rf"\bno (?:te |le |os |les |la |lo )?(?:puedo|podemos|podré|debo|voy a|quiero) (?:\w+ )?{_AYUDAR}\b",
    r"\bno (?:estoy|estamos|soy|somos) (?:\w+ )?(?:autorizad|capaz|capacitad|en condiciones|habilitad|en "
    r"posición)",
    r"\bno (?:me|nos) (?:es|está|resulta) (?:posible|permitido)\b",
    rf"\bno (?:tengo|tenemos|dispongo|disponemos|cuento)\b{_NEAR}{{0,25}}\b(?:acceso|información|datos|"
    rf"respuesta|opini)",
    r"\bno (?:lo )?sé(?: la respuesta| eso)?\s*(?:[.!]|$)",
    r"\bfuera de (?:mi|mis|nuestr[oa]s?|el alcance|lo que puedo)\b",
    r"\bno lo (?:haré|haremos|voy a hacer)\b",
    r"\bprefiero no\b|\b(?:debo|tengo que) (?:rechazar|declinar|negarme)|\bme niego a\b",
    rf"\b(?:documentos?|pasajes?|fuentes?|textos?|contexto) no (?:\w+ )?(?:mencion|contien|dic|indic|"
    rf"habl|incluy|"
    rf"especific)|\bno (?:he |hemos )?encontr\w+\b{_NEAR}{{0,40}}\ben (?:los|las|el) (?:documentos?|"
    rf"pasajes?|fuentes?|textos?)",
    rf"\bcomo (?:modelo de lenguaje|ia|inteligencia artificial|asistente){_END}*\bno\b",
)

_AIUTARE = _any(
    r"aiutar\w* rispondere risponder\w* condividere fornire fornir\w* dar\w* dire dir\w* rivelare "
    r"parlar\w* scrivere creare accedere "
    r"farlo offrire discutere generare consigliare_(?:un|una|di)"
)
_ITALIAN = (
    rf"\bnon (?:ti |vi |le )?(?:posso|possiamo|devo|voglio) (?:\w+ )?{_AIUTARE}\b",
    r"\bnon (?:sono|siamo) (?:in grado|autorizzat|abilitat|capac)",
    r"\bnon (?:mi|ci) è (?:possibile|consentito|permesso)\b",
    rf"\bnon (?:ho|abbiamo|dispongo|disponiamo)\b{_NEAR}{{0,25}}\b(?:accesso|informazion|dati|risposta|"
    rf"opinion)",
    r"\bnon (?:lo )?so(?: la risposta)?\s*(?:[.!]|$)|\bnon conosco la risposta\b",
    r"\b(?:oltre|al di fuori del\w*|fuori dal\w*|esula dal\w*)\W?\s?(?:le |il |i |la )?(?:mi[eo]i?|mia|"
    r"nostr[aeio]|ambito)\b",
    r"\bpreferisco non\b|\bmi rifiuto\b|\bdevo (?:rifiutare|declinare)",
    rf"\b(?:documenti|testo|testi|fonti|passaggi|contesto) non (?:\w+ )?(?:parl|menzion|conten|contien|"
    rf"dic|indic|riport)|"
    rf"\bnon (?:ho|abbiamo) trovato\b{_NEAR}{{0,40}}\bne(?:i|l|lle|gli) (?:document|test|font|passagg)",
)

_AJUDAR = _any(
    r"ajudar\w* responder\w* fornecer compartilhar partilhar dar\w* dizer\w* revelar falar escrever "
    r"criar acessar aceder comentar "
    r"oferecer gerar aconselhar fazer\w* discutir"
)
_PORTUGUESE = (
    rf"\bnão (?:lhe |te |o |a )?(?:posso|podemos|consigo|conseguimos|devo|vou|quero) (?:\w+ )?{_AJUDAR}\b",
    r"\bnão (?:estou|estamos|sou|somos) (?:\w+ )?(?:autorizad|capaz|capacitad|habilitad|em condições)",
    r"\bnão (?:me|nos) é (?:possível|permitido)\b|\bnão é (?:possível|permitido) para (?:mim|nós)\b",
    rf"\bnão (?:tenho|temos|disponho|dispomos)\b{_NEAR}{{0,25}}\b(?:acesso|informaç|dados|resposta|opini)",
    r"\bnão (?:o )?sei(?: a resposta)?\s*(?:[.!]|$)",
    r"\bfora d[oae]s? (?:meu|minha|meus|minhas|nosso|nossa|âmbito|escopo)\b",
    r"\bprefiro não\b|\b(?:devo|tenho que|tenho de) (?:recusar|declinar)|\brecuso-me\b|\bme recuso a\b",
    rf"\b(?:documentos?|textos?|fontes?|trechos?|contexto) não (?:\w+ )?(?:mencion|cont[éê]m|diz|indic|"
    rf"fal|inclu)|"
    rf"\bnão (?:encontrei|encontramos)\b{_NEAR}{{0,40}}\bn[oa]s? (?:documento|texto|fonte|trecho)",
)

_HELPEN = _any(
    "helpen beantwoorden delen zeggen geven verstrekken vertellen bespreken schrijven maken doen "
    "onthullen inzien adviseren "
    "praten noemen meewerken"
)
_DUTCH = (
    rf"\b(?:(?:kan|kunnen|mag|mogen|zal|wil|willen) (?:ik|we|wij)|(?:ik|we|wij) (?:kan|kunnen|mag|mogen|"
    rf"zal|wil|willen))\b"
    rf"{_NEAR}{{0,60}}\b(?:niet|niets|geen)\b{_NEAR}{{0,30}}\b{_HELPEN}\b",
    r"\bniet (?:in staat|bevoegd|gemachtigd)\b",
    rf"\b(?:ik|we|wij) (?:heb|hebben|beschik|beschikken)\b{_NEAR}{{0,30}}\b(?:geen|"
    rf"niet)\b{_NEAR}{{0,30}}\b(?:toegang|gegevens|"
    r"informatie|antwoord|mening)",
    rf"\b(?:ik|we|wij) (?:heb|hebben)\b{_NEAR}{{0,30}}\bniet in de (?:documenten|bronnen|teksten?)\b",
    r"\b(?:weet ik (?:het )?niet|ik weet (?:het|dat) niet)\b",
    r"\bbuiten (?:mijn|onze)\b|\bliever niet\b|\b(?:ik|we|wij) (?:weiger|moet\w* weigeren)\b",
    rf"\b(?:documenten|bronnen|teksten?|passages|context)\b{_NEAR}{{0,30}}\b(?:niet|niets|geen)\b",
)
WORDS: dict[str, tuple[str, ...]] = {
    "en": _ENGLISH,
    "de": _GERMAN,
    "fr": _FRENCH,
    "es": _SPANISH,
    "it": _ITALIAN,
    "pt": _PORTUGUESE,
    "nl": _DUTCH,
}
_QUOTED = re.compile(
    r"\"[^\"\n]{0,300}\"|\u201c[^\u201d\n]{0,300}\u201d|\u201e[^\u201c\u201d\n]{0,300}[\u201c\u201d]|"
    r"\u00ab[^\u00bb\n]{0,300}\u00bb|\u00bb[^\u00ab\n]{0,300}\u00ab|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){0,300}'(?!\w)"
)


def refuses(text: str) -> bool:
    """Whether a text, of which quotations do not count, is worded as a refusal in any of the languages."""
    text = _QUOTED.sub(" ", text.replace("\u2019", "'").lower())
    for exception in _patterns(_ENGLISH_NOT):
        text = exception.sub(" ", text)
    return any(pattern.search(text) for words in WORDS.values() for pattern in _patterns(words))


@cache
def _patterns(words: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in words)
