//! What users rely on, held against the real thing.

mod http;
mod reply_contract;
