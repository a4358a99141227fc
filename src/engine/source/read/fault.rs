//! What serde's traits find wrong, on its way to the reader that knows the place.
//!
//! Serde makes its errors where nobody knows of spans, and a [`Field`](super::Field) swallows them so that
//! its neighbours are read on. So an [`Error`] carries nothing: making one leaves a [`Fault`] on this
//! thread's list, and the innermost reader that is left next takes it from there and reports it at its node.

use std::cell::RefCell;
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// One thing that serde found wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// A struct has no such field, and needs it.
    Missing(&'static str),
    /// Something else stands where this was expected.
    Expected(String),
    /// None of the words that could stand here.
    NotOneOf(String, &'static [&'static str]),
    /// A type's own objection.
    Objection(String),
}

thread_local! {
    static FAULTS: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };
}

/// Takes the faults that nobody has reported yet.
pub(super) fn take() -> Vec<Fault> {
    FAULTS.take()
}

/// Something is wrong, and either reported or on this thread's list of [`Fault`]s.
#[derive(Debug)]
pub(super) struct Error;

impl Error {
    fn of(fault: Fault) -> Error {
        FAULTS.with_borrow_mut(|faults| faults.push(fault));
        Error
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reported as a diagnostic")
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error::of(Fault::Objection(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Error {
        Error::of(Fault::Expected(expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Error {
        Error::of(Fault::Expected(expected.to_string()))
    }

    fn missing_field(field: &'static str) -> Error {
        Error::of(Fault::Missing(field))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Error {
        Error::of(Fault::NotOneOf(variant.to_owned(), known))
    }
}
