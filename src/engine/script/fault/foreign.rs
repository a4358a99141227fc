//! Words and signs of other languages, for those who come from there.

use rhai::ParseErrorType;

use super::tokens::Token;

/// What to say of a token: which, what is wrong, and what to do.
pub(super) type Told = ((usize, usize), String, String);

/// Words before another word: what is wrong, and what to write.
const WORDS: &[(&str, &str, &str)] = &[
    ("var", "a name is made with `let`", "write `let` instead of `var`"),
    ("elif", "`elif` is no word of this language", "write `else if`"),
    ("elsif", "`elsif` is no word of this language", "write `else if`"),
    ("elseif", "`elseif` is no word of this language", "write `else if`"),
    ("not", "`not` is no word of this language", "write `!` before what is not to be true"),
    (
        "new",
        "`new` is no word of this language",
        "take it away: there are no classes; an error is a text, `throw \"…\"`",
    ),
    ("await", "`await` is no word of this language", "take it away: an answer is there when it is looked at"),
    ("async", "`async` is no word of this language", "take it away: a function begins with `fn`"),
];

/// Words for `fn`.
const FUNCTION: &[&str] = &["def", "fun", "func", "function", "sub"];

/// Signs and words that cannot stand where they do, and what to write.
const SIGNS: &[(&str, &str)] = &[
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<-", "write `<=`, or put a blank before the `-`"),
    (":=", "write `=`"),
    ("->", "leave it out: a function does not say what it returns"),
    ("=>", "a function without a name is written `|x| x + 1`"),
    ("++", "write `+= 1`"),
    ("--", "write `-= 1`"),
    ("?", "write `if a { b } else { c }`"),
    ("#", "a comment begins with `//`, an object with `#{`"),
    ("and", "write `&&`"),
    ("or", "write `||`"),
    ("AND", "write `&&`"),
    ("OR", "write `||`"),
];

/// What the author of `tokens` most likely brought along, where Rhai stumbled at the byte `at`.
pub(super) fn explain(kind: &ParseErrorType, tokens: &[Token<'_>], at: usize) -> Option<Told> {
    let index = tokens.partition_point(|token| token.at < at);
    let token = |back: usize| index.checked_sub(back).and_then(|index| tokens.get(index));
    let (here, before) = (token(0), token(1));
    if let ParseErrorType::MismatchedType(expected, found) = kind {
        return Some(mismatch(here?, before, expected, found));
    }
    if let (Some(here), Some(before)) = (here, before) {
        if here.text == ":" && (before.is_word() || before.is_text()) && token(2).is_some_and(|it| it.text == "{") {
            return Some(object(token(2)?, before));
        }
        if let Some(told) = word(before, here, tokens.get(index + 1)) {
            return Some(told);
        }
    }
    let here = here?;
    if let Some(function) = nameless(tokens.get(..index)?).filter(|_| here.text == "{") {
        let help = "a function without a name is written `|x| { … }`";
        return Some((function.range(), format!("`{}` is no word of this language", function.text), help.into()));
    }
    if here.text == "=" && matches!(kind, ParseErrorType::BadInput(_)) {
        return Some((here.range(), "`=` sets a value and does not compare".into(), "to compare, write `==`".into()));
    }
    let (_, help) = SIGNS.iter().find(|(sign, _)| *sign == here.text)?;
    let means = if here.is_word() { "is no word of this language" } else { "means nothing here" };
    Some((here.range(), format!("`{}` {means}", here.text), (*help).into()))
}

/// A `{` that was meant to begin an object, with its first key.
fn object(brace: &Token<'_>, key: &Token<'_>) -> Told {
    let help = format!("an object begins with `#{{`: write `#{{ {}: … }}`", key.text);
    (brace.range(), "this `{` begins a block of statements".into(), help)
}

/// A word that another language has before a word.
fn word(before: &Token<'_>, here: &Token<'_>, next: Option<&Token<'_>>) -> Option<Told> {
    if FUNCTION.contains(&before.text) && here.is_word() && next.is_some_and(|next| next.text == "(") {
        let help = format!("write `fn {}(…) {{ … }}`", here.text);
        return Some((before.range(), "a function begins with `fn`".into(), help));
    }
    let (_, message, help) = WORDS.iter().find(|(word, ..)| *word == before.text && here.is_word())?;
    Some((before.range(), (*message).into(), (*help).into()))
}

/// The word for a function whose parameters end here, and that has no name.
fn nameless<'t>(tokens: &[Token<'t>]) -> Option<Token<'t>> {
    let begun = tokens
        .iter()
        .rposition(|token| token.text == "(")
        .filter(|_| tokens.last().is_some_and(|it| it.text == ")"))?;
    begun.checked_sub(1).and_then(|index| tokens.get(index)).filter(|word| FUNCTION.contains(&word.text)).copied()
}

/// A value of another kind than can stand there; `before` it stands what joins it to others.
fn mismatch(here: &Token<'_>, before: Option<&Token<'_>>, expected: &str, found: &str) -> Told {
    let found = match found {
        "()" => "nothing",
        "a boolean" => "true or false",
        "an array" => "a list",
        "an object map" => "an object",
        found if found.ends_with("number") => "a number",
        _ => "text",
    };
    let (message, help) = match before {
        _ if expected.contains("iterable") => {
            (format!("`for` goes through lists and ranges, not {found}"), "an object has its `keys()` and `values()`")
        }
        Some(sign) if matches!(sign.text, "||" | "&&") => (
            format!("`{}` joins what is true or false, not {found}", sign.text),
            "for a value that takes the place of an absent one write `??`",
        ),
        _ => (format!("expected true or false, found {found}"), "compare it with something: `… == …`"),
    };
    (here.range(), message, help.into())
}
