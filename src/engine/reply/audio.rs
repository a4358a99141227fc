//! Speech as a reply to `voice-request`: raw PCM, written in base64.

use data_encoding::{BASE64, BASE64_NOPAD};

/// How the recordings begin that people send by mistake: Vapi would speak their headers as noise.
const CONTAINERS: &[&[u8]] = &[b"RIFF", b"ID3", b"OggS", b"fLaC"];

/// Why a text is not the speech that Vapi waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotSpeech {
    /// It is not base64.
    Encoding,
    /// It is a recording in a container, not bare samples.
    Container,
}

impl NotSpeech {
    /// What is wrong, to follow the name of the field.
    pub(super) fn message(self) -> &'static str {
        match self {
            NotSpeech::Encoding => "is not base64",
            NotSpeech::Container => "is a recording with a header, but must be bare samples",
        }
    }

    /// What to do about it.
    pub(super) fn help(self) -> &'static str {
        match self {
            NotSpeech::Encoding => "give the bytes of a `fetch`: `${tts.bytes}`",
            NotSpeech::Container => {
                "ask for raw PCM: signed 16 bit, little endian, mono, at the request's `sampleRate`"
            }
        }
    }
}

/// The samples that `text` holds in base64, with or without padding and line breaks.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, NotSpeech> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let encoding = if text.ends_with('=') { &BASE64 } else { &BASE64_NOPAD };
    let samples = encoding.decode(text.as_bytes()).map_err(|_| NotSpeech::Encoding)?;
    check(&samples).map(|()| samples)
}

/// Refuses what is not bare samples.
pub(super) fn check(samples: &[u8]) -> Result<(), NotSpeech> {
    let is_recording = CONTAINERS.iter().any(|start| samples.starts_with(start));
    if is_recording { Err(NotSpeech::Container) } else { Ok(()) }
}

/// The text of which [`decode`] makes `samples`.
pub(super) fn encode(samples: &[u8]) -> String {
    BASE64.encode(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_the_way_through_a_text() {
        for samples in [&b""[..], b"\x01", b"\x01\x02", b"\x01\x02\x03"] {
            assert_eq!(decode(&encode(samples)).as_deref(), Ok(samples));
        }
        assert_eq!(decode("AQI\n").as_deref(), Ok(&b"\x01\x02"[..]));
    }

    #[test]
    fn what_would_sound_as_noise_is_refused() {
        assert_eq!(decode("hello, world"), Err(NotSpeech::Encoding));
        assert_eq!(decode(&encode(b"RIFF\x24\0\0\0WAVE")), Err(NotSpeech::Container));
    }
}
