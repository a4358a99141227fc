//! Which words are ordinary names in a script.
//!
//! Rhai reserves some fifty words, among them `call` and `default`, which Vapi's messages use as field
//! names. While a text is read, [`ordinary`] sees every token and makes names of reserved words, and of
//! keywords too where only a name can stand: after a dot, and as a key of a map. It has to remember the
//! tokens before, and Rhai hands it nothing to remember them in: hence the thread-local, emptied by
//! [`fresh`] before each text.

use std::cell::RefCell;

use rhai::{LexError, Token};

#[derive(Default)]
struct Before {
    /// The token before this one makes this one a name: a dot, or what stands before a key of a map.
    name_follows: bool,
    /// The brackets that are open; `true` for those of a map.
    open: Vec<bool>,
}

thread_local! {
    static BEFORE: RefCell<Before> = RefCell::default();
}

/// To be called before a text is compiled.
pub(super) fn fresh() {
    BEFORE.take();
}

/// The token that the parser shall see in place of `token`.
pub(super) fn ordinary(token: Token) -> Token {
    BEFORE.with_borrow_mut(|before| {
        let token = renamed(token, before.name_follows);
        match token {
            Token::MapStart => before.open.push(true),
            Token::LeftBrace | Token::LeftParen | Token::LeftBracket | Token::QuestionBracket => {
                before.open.push(false);
            }
            Token::RightBrace | Token::RightParen | Token::RightBracket => drop(before.open.pop()),
            _ => {}
        }
        before.name_follows = match token {
            Token::Period | Token::Elvis | Token::MapStart => true,
            Token::Comma => before.open.last() == Some(&true),
            _ => false,
        };
        token
    })
}

fn renamed(token: Token, name_follows: bool) -> Token {
    match token {
        Token::Reserved(word) if !is_word(&word) => Token::Reserved(word),
        Token::Reserved(word) if name_follows => Token::Identifier(word),
        Token::Reserved(word) if *word == "this" => Token::Reserved(word),
        Token::Reserved(word) if *word == "eval" => {
            let why = "`eval` is not available: a script is checked before it runs".into();
            Token::LexError(LexError::ImproperSymbol(word.to_string(), why).into())
        }
        Token::Reserved(word) => Token::Identifier(word),
        token if name_follows && token.is_literal() && is_word(token.literal_syntax()) => {
            Token::Identifier(Box::new(token.literal_syntax().into()))
        }
        token => token,
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}
