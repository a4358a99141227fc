//! What users rely on, held against the real thing: each module takes one side of the program.

// Only so that the lints know even the helpers for tests.
#[cfg(test)]
mod acting;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod book;
#[cfg(test)]
mod check;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod decide;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod events;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod explaining;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod http;
#[cfg(test)]
mod importing;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod reply_contract;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod support;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tls;
