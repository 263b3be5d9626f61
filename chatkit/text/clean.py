"""Cut what no person wrote as a part of a message: tags, quoted replies, signatures, disclaimers, help desks' marks.

All is decided on the masked text, and what is left of a text that has something to cut is masked: so it does not
matter to a model whether a text was masked before, ``clean(mask(text))`` has the tokens of ``clean(text)``. Patterns
look at one line or at one tag at a time, so that no text takes more than linear time.
"""

import re

from chatkit.text.mask import mask
from chatkit.text.references import dereference, has_reference

SHOWN = 140  # characters of a message in a report
# Names of tags that mails have; others, such as the types in List<String> and what data calls its own, are words.
_INLINE = (
    "a|abbr|acronym|b|bdo|big|cite|code|del|em|font|i|ins|kbd|mark|nobr|q|s|samp|small|span|strike|strong|sub|sup|tt|u|"
    "var|wbr|o:p"
)
_BLOCKS = (
    "article|aside|base|blockquote|body|br|button|caption|center|col|colgroup|dd|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|frame|frameset|head|header|hr|html|iframe|img|input|legend|li|link|main|meta|nav|noscript|ol|p|picture|"
    "pre|script|section|select|style|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul|video|[ovw]:[a-z]+"
)
_TAG = re.compile(
    r"<(?:(?P<raw>!--|(?:script|style)\b[^<>]*>)|!(?:doctype|\[)[^<>]*>|"
    rf"/?(?:(?P<inline>{_INLINE})|{_BLOCKS}|h _number_)"
    # Attributes, so that what stands between two signs for less and more is none: a <b and c> d.
    r"(?:\s+(?:[a-z][\w:.-]*\s*=|(?:nowrap|noshade|checked|disabled|selected|compact|hidden|controls|open)\b)"
    r"(?:(?:[^<>\"']|\"[^\"]{0,2000}\"|'[^']{0,2000}')*+(?=\s*/?>)|[^<>]*+(?=>)))?\s*/?>)",
    re.IGNORECASE,
)
# What all of these begin with, masked or not; found fast.
_TAG_BEGINS = re.compile(rf"<(?:!(?:--|doctype|\[)|/?(?:{_INLINE}|{_BLOCKS}|h)(?![^\W\d]))", re.IGNORECASE)
_ENDS = {"!--": re.compile("-->"), "scr": re.compile("(?i)</script>"), "sty": re.compile("(?i)</style>")}
# An attachment in base64 inside of a page.
_DATA = re.compile(r"\bdata:[a-z/+.-]*;base ?_number_,(?:[A-Za-z+/=]| ?_(?:number|date)_)*")
_TYPED = re.compile("_[a-z]+_")
_COLON = r"\*{0,2}\s?[:：]"
_LETTERS = r"[^\W\d_]"
# How programs say who wrote what is quoted: in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
# Swedish; Russian, Turkish, Japanese and Chinese begin with the date or the name.
_ON = re.compile(r"\s*(?:on|in article|am|le|el|il|em|op|dnia|w dniu|den) ", re.IGNORECASE)
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|napisał|skrev|написал|пишет|yazdı)|"
    "のメール|写道|寫道",
    re.IGNORECASE,
)
_BY = re.compile(r"_email_.*_(?:number|date)_\)?\s?[:：]\s*$|_(?:number|date)_.*_email_[>)]*\s?[:：]\s*$")
_ORIGINAL = re.compile(
    r"[\s>]*[-_=]{2,}\s*(?:original message|original appointment|originalnachricht|original-nachricht|"
    r"ursprüngliche nachricht|message d[’']origine|message original|mensaje original|messaggio originale|"
    r"mensagem original|oorspronkelijk bericht|oryginalna wiadomość|wiadomość oryginalna|исходное сообщение|"
    r"orijinal mesaj|özgün ileti|ursprungligt meddelande|元のメッセージ|原始邮件|邮件原件)\s*[-_=]{2,}\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(rf"[\s*]*(?:from|von|de|da|van|od|от|kimden|från|差出人|发件人|寄件者){_COLON}", re.IGNORECASE)
_HEADER = re.compile(
    r"[\s*]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado(?: el)?|fecha|para|asunto|"
    r"inviato|data|a|oggetto|enviada(?: em)?|assunto|verzonden|aan|onderwerp|wysłano|do|temat|отправлено|дата|кому|"
    rf"тема|gönderildi|tarih|kime|konu|skickat|till|ämne|送信日時|日時|宛先|件名|发送时间|时间|收件人|主题){_COLON}",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|тема|konu|ämne|件名|主题", re.IGNORECASE
)
# A device or a program, so that money that was sent from somewhere stays.
_DEVICE = (
    r"(?:i\s?phone|i\s?pad|ios|android|galaxy|samsung|huawei|xiaomi|pixel|blackberry|windows|outlook|mail|yahoo|gmail|"
    r"mobile|móvil|cellulare|telem[oó]vel|celular|handy|smartphone|tablet|telefon\w{0,2}|teléfono|téléphone|portable|"
    r"mobil\w{0,6})"
)
_SENT = re.compile(
    r"\s*(?:(?:sent from|get outlook for|von meinem?|gesendet (?:von|mit|über)|diese nachricht wurde von meinem|"
    r"envoyé (?:de|depuis|à partir d)|télécharger outlook|enviado (?:desde|do|a partir)|obtener outlook|inviato da|"
    r"scarica outlook|verzonden (?:vanaf|via|met|vanuit)|verstuurd vanaf|wysłan[eo] z|отправлено с|skickat från)"
    rf"\b.{{0,40}}\b{_DEVICE}\b.{{0,40}}|.{{0,40}} gönderildi\s*\.?|.{{0,40}}から送信|[发寄]自我的.{{0,40}})$",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"not the intended (?:recipient|addressee)|intended (?:solely|only|exclusively) for|before printing|"
    r"\boriginat(?:ed|es|ing) (?:from )?outside|"
    r"nicht der (?:richtige|beabsichtigte|vorgesehene) (?:adressat|empfänger)|enthält vertrauliche|"
    r"n[’']êtes pas le (?:destinataire|bon destinataire)|si (?:usted )?no es (?:usted )?el destinatario|"
    r"non (?:siete|è|foste|fosse) (?:il|i) destinatari|não (?:é|for) o destinatário|"
    r"niet de (?:beoogde|bedoelde|geadresseerde)|nie są państwo (?:zamierzonym )?adresat|"
    r"nie jeste(?:ś|ście) (?:jej )?(?:zamierzonym )?adresat",
    re.IGNORECASE,
)
_TICKET = re.compile(
    r"^[ \t]*##-.*-##[ \t]*$|\{\{[\w .]{1,80}\}\}|\[?\bref:[^\s\]]{0,80}(?: _number_[^\s\]]{0,80}){0,9}:ref\b\]?|"
    r"[\[(](?:ticket|case|request|incident|issue|anfrage|vorgang|demande|caso|solicitud)[ :]{0,2}(?:id|no\.?|nr\.?)?"
    r"[ :#]{0,3}(?:[A-Z]{1,8}[ -]{0,2})?_number_[\])]|"
    r"^.{0,40}\b(?:ticket|case|request|incident|anfrage|demande|solicitud)\b[ :#(]{0,4}_number_[)\"]?"
    r" (?:has been|was|wurde|a été|ha sido) (?:received|created|opened|updated|closed|resolved|solved|assigned|"
    r"erstellt|aktualisiert|geschlossen|gelöst|créée?|mise? à jour|fermée?|résolue?|creado|actualizado|cerrado|"
    r"resuelto)\b.{0,60}$",
    re.IGNORECASE | re.MULTILINE,
)
_FORWARDED = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|doorst|pd|vb|ilt|転送|转发)\s*[:：]", re.IGNORECASE)


def _without_tags(text):
    """The text between tags; comments, scripts and styles go as a whole, and so does what is in base64."""
    parts, at, unclosed = [], 0, set()
    while tag := _TAG.search(text, at):
        parts += text[at : tag.start()], " " if tag["inline"] else "\n"
        at, kind = tag.end(), (tag["raw"] or "").lower()[:3]
        if kind and kind not in unclosed:
            end = _ENDS[kind].search(text, at)
            unclosed |= set() if end else {kind}
            at = end.end() if end else at
    left = _DATA.sub("\n", "".join([*parts, text[at:]]))
    return text if left == text else "\n".join([" ".join(line.split()) for line in left.split("\n")])


def _without_quotes(text):
    """The lines that are not quoted: those behind a quote's head, where it has no marks, and those with a mark."""
    lines, kept, at = text.split("\n"), [], 0
    while at < len(lines):
        head = at + (not lines[at].strip(" \t_"))  # Outlook draws a line above it
        if _ORIGINAL.match(lines[at]) or _is_header(lines[head : head + 7]):
            break
        size = _attribution(lines[at : at + 3])
        after = filter(None, map(str.lstrip, map(lines.__getitem__, range(at + size, len(lines)))))
        if size and not next(after, "").startswith(">"):
            break
        quoted = size or lines[at].lstrip().startswith(">")
        kept.append("" if quoted else lines[at])
        at += size or 1
    return "\n".join(kept)


def _attribution(lines):
    """How many lines say that somebody wrote what comes next, such as "On … wrote:"; it may be broken, 0 is none."""
    if not lines[0].strip():
        return 0
    for size in range(1, 1 + len(lines) if _ON.match(lines[0]) else 2):
        said = " ".join(lines[:size]).rstrip()
        if len(said) > 400 or not lines[size - 1].strip():
            break
        if not said.endswith((":", "：")) or not _TYPED.search(said):
            continue
        if _BY.search(said) or (_WROTE.search(said) and ("_email_" in said or size > 1 or _ON.match(said))):
            return size
    return 0


def _is_header(lines):
    """Whether the head of a mail begins here: who it is from, and at least two lines more of a head."""
    heads = [head for head in map(_HEADER.match, lines[1:]) if head]
    # A transfer, too, is from somebody to somebody.
    of_mail = "_email_" in "".join(lines) or any(_SUBJECT.search(head[0]) for head in heads)
    return bool(lines and _FROM.match(lines[0])) and len(heads) >= 2 and of_mail


def _without_signatures(text):
    """The lines above "-- ", without those that a device has added."""
    kept = []
    for line in text.split("\n"):
        if line.strip() == "--":
            break
        kept.append("" if len(line) < 200 and _SENT.match(line) else line)
    return "\n".join(kept)


def _without_disclaimers(text):
    """What is above a disclaimer in its paragraph, and all other paragraphs."""
    return "\n\n".join(map(_above_disclaimer, re.split(r"\n[ \t]*\n", text)))


def _above_disclaimer(paragraph):
    if (found := _DISCLAIMER.search(paragraph)) is None:
        return paragraph
    kept = paragraph[: found.start()].split("\n")[:-1]
    while kept and not kept[-1].rstrip().endswith((".", "!", "?", ":", ",", ";")):
        kept.pop()  # its sentence begins on an earlier line
    return "\n".join(kept)


def _without_tickets(text):
    return _TICKET.sub(" ", text)


# In this order.
STEPS = {
    "html": _without_tags,
    "tickets": _without_tickets,
    "quotes": _without_quotes,
    "signatures": _without_signatures,
    "disclaimers": _without_disclaimers,
}
_NESTED = 5  # how often a cut may bring about the next one, such as a tag inside of a tag


def clean(text, names=("html",)):
    r"""Cut what is not a part of the message itself.

    Parameters
    ----------
    text : str
        A subject or a body.
    names : collection of str, default=("html",)
        What to cut. "html": tags, comments, scripts, styles and attachments in base64; references such as ``&nbsp;``
        become characters. "tickets": what a help desk adds. "quotes": quoted replies, and the mail that is answered.
        "signatures": what stands below "-- ", and "Sent from my phone". "disclaimers": paragraphs that say for whom
        a mail was.

    Returns
    -------
    str
        Masked where something was cut; to clean it again changes nothing. All but tags stays where nothing else would
        be left, such as a message that is only a quote.

    Examples
    --------
    >>> clean("<p>I lost my <b>card</b>&nbsp;!</p>")
    'I lost my card !'
    >>> mail = "It is lost.\n\nOn Mon, Mar 3, 2025 at 10:30 AM Anna <anna@bank.example> wrote:\n> Which card?"
    >>> clean(mail, ["quotes"])
    'It is lost.'
    """
    if not names:
        return text
    shown = dereference(text)[0] if has_reference(text) else text
    tags = "html" in names and ("data:" in shown or _TAG_BEGINS.search(shown))
    # Of one line the others but tickets would leave nothing.
    if not (tags or "tickets" in names or ({*names} - {"html"} and "\n" in shown.strip())):
        return shown
    steps = [step for name, step in STEPS.items() if name in names]
    before = rest = mask(shown.replace("\r\n", "\n"))
    for _ in range(_NESTED):
        if (inner := _cut(rest, steps)) == rest:
            break
        rest = inner
    else:
        rest = mask(rest.replace("<", " "))
    return shown if rest == before else rest


def _cut(text, steps):
    """Take all steps; where no word would be left, only that of the tags."""
    rest = whole = text
    for step in steps:
        if (left := step(rest)) != rest:
            rest = mask(left)
        if step is _without_tags:
            whole = rest
    if rest != whole and not re.search(r"[^\W\d_]", _TYPED.sub("", rest)):
        rest = whole
    return rest if rest == text else re.sub(r"\n{3,}", "\n\n", rest).strip()


def is_forward(subject):
    """Whether a subject says that a mail was forwarded: what is below its head is the message."""
    return _FORWARDED.match(subject) is not None


def excerpt(text, length=SHOWN):
    r"""Clean and mask a message for a report and shorten it, on one line.

    Parameters
    ----------
    text : str
    length : int, default=140
        Most characters.

    Returns
    -------
    str

    Examples
    --------
    >>> excerpt("Lost&nbsp;card\n<p>It ends in 4921.</p>")
    'Lost card It ends in _number_.'
    >>> excerpt("Lost card", 6)
    'Lost …'
    """
    text = mask(" ".join(clean(text).split()))
    return text if len(text) <= length else f"{text[: length - 1]}…"
