//! The kinds of server message: for each, its name on the wire, the reply it waits for and by when.
//!
//! Vapi adds kinds before we do, so a kind that is not in the table is kept by its name and treated as
//! one that expects no reply. The facts come from the Vapi contract, sections 1, 3 and 4.

use std::fmt;

/// How a message of some kind comes to a server URL (contract, section 1, "Subscription").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// Sent whenever the feature is in use; it cannot be subscribed to or from.
    Always,
    /// In the default list of `assistant.serverMessages`.
    Default,
    /// Sent only when `assistant.serverMessages` names it.
    OptIn,
    /// Sent only when `campaign.serverMessages` names it.
    Campaign,
    /// A message for client SDKs that some servers nevertheless see.
    Client,
}

/// Until when Vapi waits for the reply to a kind (contract, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// No reply is read.
    None,
    /// Fixed by Vapi, whatever the server's timeout: 7.5 s end to end, answered within 6.0 s.
    AssistantRequest,
    /// At most 10 s, answered within 8 s.
    KnowledgeBase,
    /// The server's own `timeoutSeconds`, less two seconds.
    ServerTimeout,
}

macro_rules! kinds {
    ($($name:ident $wire:literal $subscription:ident $deadline:ident;)*) => {
        /// A kind of server message that the contract knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each is the kind that Vapi spells so; the table below says which")]
        pub enum Kind { $($name),* }

        impl Kind {
            /// Every kind, in the order of the contract.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The kind's name as Vapi spells it in `message.type`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => $wire),* }
            }

            /// The kind that Vapi spells `name`; both spellings of a final transcript are `transcript`.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Kind> {
                match name {
                    $($wire => Some(Kind::$name),)*
                    FINAL_TRANSCRIPT => Some(Kind::Transcript),
                    _ => None,
                }
            }

            /// How such messages come to be sent.
            #[must_use]
            pub fn subscription(self) -> Subscription {
                match self { $(Kind::$name => Subscription::$subscription),* }
            }

            /// Until when Vapi waits for the reply.
            #[must_use]
            pub fn deadline(self) -> Deadline {
                match self { $(Kind::$name => Deadline::$deadline),* }
            }
        }
    };
}

/// The second spelling of a final transcript, as a subscription and as a `type`.
pub const FINAL_TRANSCRIPT: &str = "transcript[transcriptType=\"final\"]";

kinds! {
    AssistantRequest "assistant-request" Always AssistantRequest;
    ToolCalls "tool-calls" Default ServerTimeout;
    FunctionCall "function-call" Default ServerTimeout;
    TransferDestinationRequest "transfer-destination-request" Default ServerTimeout;
    HandoffDestinationRequest "handoff-destination-request" Default ServerTimeout;
    KnowledgeBaseRequest "knowledge-base-request" Always KnowledgeBase;
    VoiceRequest "voice-request" Always ServerTimeout;
    CallEndpointingRequest "call.endpointing.request" Always ServerTimeout;
    CampaignPredial "campaign.predial" Always ServerTimeout;
    ApiRequest "api-request" Always ServerTimeout;
    StatusUpdate "status-update" Default None;
    EndOfCallReport "end-of-call-report" Default None;
    ConversationUpdate "conversation-update" Default None;
    SpeechUpdate "speech-update" Default None;
    UserInterrupted "user-interrupted" Default None;
    Hang "hang" Default None;
    AssistantStarted "assistant.started" Default None;
    Transcript "transcript" OptIn None;
    ModelOutput "model-output" OptIn None;
    AssistantSpeechStarted "assistant.speechStarted" OptIn None;
    VoiceInput "voice-input" OptIn None;
    TransferUpdate "transfer-update" OptIn None;
    PhoneCallControl "phone-call-control" OptIn None;
    LanguageChangeDetected "language-change-detected" OptIn None;
    LanguageChanged "language-changed" OptIn None;
    ChatCreated "chat.created" OptIn None;
    ChatDeleted "chat.deleted" OptIn None;
    SessionCreated "session.created" OptIn None;
    SessionUpdated "session.updated" OptIn None;
    SessionDeleted "session.deleted" OptIn None;
    CallDeleted "call.deleted" OptIn None;
    CallDeleteFailed "call.delete.failed" OptIn None;
    CallArtifactUpload "call.artifact.upload" OptIn None;
    SimulationRunStarted "simulation.run.started" Always None;
    SimulationRunEnded "simulation.run.ended" Always None;
    CampaignStarted "campaign.started" Campaign None;
    CampaignCancelled "campaign.cancelled" Campaign None;
    CampaignEnded "campaign.ended" Campaign None;
    CampaignArchived "campaign.archived" Campaign None;
    CampaignUnarchived "campaign.unarchived" Campaign None;
    CampaignJobContinued "campaign.job.continued" Campaign None;
    ContactDispatched "contact.dispatched" Campaign None;
    ContactCompleted "contact.completed" Campaign None;
    ContactFailed "contact.failed" Campaign None;
    ContactSkipped "contact.skipped" Campaign None;
    ContactPredialFailed "contact.predial-failed" Campaign None;
    Metadata "metadata" Client None;
    ToolCallsResult "tool-calls-result" Client None;
    FunctionCallResult "function-call-result" Client None;
    WorkflowNodeStarted "workflow.node.started" Client None;
    ToolCompleted "tool.completed" Client None;
}

impl Kind {
    /// Whether Vapi reads the reply to such a message.
    #[must_use]
    pub fn expects_reply(self) -> bool {
        self.deadline() != Deadline::None
    }

    /// Whether such a message asks for tools to be run: decided call by call.
    #[must_use]
    pub fn asks_for_tools(self) -> bool {
        matches!(self, Kind::ToolCalls | Kind::FunctionCall)
    }

    fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

/// The kind of one event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A kind of the contract.
    Known(Kind),
    /// A kind that we have not met, by its name. It expects no reply.
    Unknown(Box<str>),
}

impl EventKind {
    /// The kind called `name` on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> EventKind {
        Kind::from_name(name).map_or_else(|| EventKind::Unknown(name.into()), EventKind::Known)
    }

    /// The kind, if the contract knows it.
    #[must_use]
    pub fn known(&self) -> Option<Kind> {
        match self {
            EventKind::Known(kind) => Some(*kind),
            EventKind::Unknown(_) => None,
        }
    }

    /// Whether Vapi waits for the reply.
    #[must_use]
    pub fn expects_reply(&self) -> bool {
        self.known().is_some_and(Kind::expects_reply)
    }

    /// The kind's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            EventKind::Known(kind) => kind.name(),
            EventKind::Unknown(name) => name,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of kinds; all kinds that the contract does not know are one member of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KindSet(u64);

// One bit a kind and one for all unknown kinds.
const UNKNOWN: u64 = 1 << 63;
const _: () = assert!(Kind::ALL.len() < 63);

impl KindSet {
    /// No kind.
    pub const EMPTY: KindSet = KindSet(0);
    /// Every kind, known or not.
    pub const ALL: KindSet = KindSet(u64::MAX);
    /// The kinds that the contract does not know.
    pub const UNKNOWN: KindSet = KindSet(UNKNOWN);

    /// The kinds of both sets.
    #[must_use]
    pub const fn union(self, other: KindSet) -> KindSet {
        KindSet(self.0 | other.0)
    }

    /// The kinds of this set that are not in the other.
    #[must_use]
    pub const fn minus(self, other: KindSet) -> KindSet {
        KindSet(self.0 & !other.0)
    }

    /// Whether the two sets share a kind.
    #[must_use]
    pub const fn overlaps(self, other: KindSet) -> bool {
        self.0 & other.0 != 0
    }

    /// The known kinds of the set, in the order of the contract.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.0 & kind.bit() != 0)
    }
}

impl From<Kind> for KindSet {
    fn from(kind: Kind) -> KindSet {
        KindSet(kind.bit())
    }
}

impl From<&EventKind> for KindSet {
    fn from(kind: &EventKind) -> KindSet {
        kind.known().map_or(KindSet::UNKNOWN, KindSet::from)
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> KindSet {
        kinds.into_iter().fold(KindSet::EMPTY, |set, kind| set.union(kind.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn a_final_transcript_is_a_transcript() {
        assert_eq!(Kind::from_name(FINAL_TRANSCRIPT), Some(Kind::Transcript));
    }

    #[test]
    fn all_unknown_kinds_share_one_place_in_a_set() {
        let unknown = KindSet::from(&EventKind::from_name("brand-new"));
        assert_eq!(unknown, KindSet::UNKNOWN);
        assert!(!unknown.overlaps(Kind::ALL.iter().copied().collect()));
        assert!(unknown.overlaps(KindSet::ALL));
    }
}
