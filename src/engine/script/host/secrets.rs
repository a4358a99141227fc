//! `secrets::…`: secrets by their names, for requests. Their values never enter a script.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::plugin::export_module;
use rhai::{Engine, ImmutableString};

use crate::engine::request::{Part, Text, Written};
use crate::engine::script::run::{self, Stop};

/// A text in which secrets stand by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretText(pub(super) Text);

#[export_module]
pub(super) mod functions {
    /// The secret `name` of the settings, for what is sent by `http::…` and `act::…`. It can be joined to a text with `+`, and
    /// nothing else: its value is filled in when the request is sent.
    ///
    /// ```rhai
    /// let headers = #{ authorization: "Bearer " + secrets::get("crm") };
    /// http::get("https://crm.example.com/people/7", #{ headers: headers }).json.name // "Ada"
    /// ```
    pub fn get(name: &str) -> SecretText {
        SecretText(Text(vec![Part::Secret { name: name.to_owned(), written: Written::Plain }]))
    }
}

/// What can be done with a text that holds a secret.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<SecretText>("secret");
    engine.register_fn("+", |text: ImmutableString, secret: SecretText| joined(Text::plain(text.as_str()), secret.0));
    engine.register_fn("+", |secret: SecretText, text: ImmutableString| joined(secret.0, Text::plain(text.as_str())));
    engine.register_fn("+", |one: SecretText, other: SecretText| joined(one.0, other.0));
    for name in ["to_string", "to_debug", "print", "debug"] {
        engine.register_fn(name, |_: &mut SecretText| -> String {
            run::stop_soon(Stop::SecretSaid);
            String::new()
        });
    }
}

fn joined(mut one: Text, other: Text) -> SecretText {
    one.0.extend(other.0);
    SecretText(one)
}
