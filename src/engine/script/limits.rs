//! How far a script may go.

/// The limits that hold for every script of a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLimits {
    /// Steps of one evaluation: each expression, statement and call is at least one.
    pub operations_max: u64,
    /// Functions that have called each other and not come back.
    pub call_depth_max: usize,
    /// The length of a text.
    pub string_bytes_max: usize,
    /// The items of a list, those of lists in it counted too.
    pub list_items_max: usize,
    /// The entries of a map, those of maps in it counted too.
    pub map_entries_max: usize,
    /// Variables at one time.
    pub variables_max: usize,
    /// What the variables of one function may hold together. It is measured now and then, so a script can
    /// hold some hundred texts of the greatest length more before it is stopped.
    pub memory_bytes_max: usize,
    /// What a script may return.
    pub result_bytes_max: usize,
}

impl Default for ScriptLimits {
    fn default() -> ScriptLimits {
        ScriptLimits {
            operations_max: 1_000_000,
            call_depth_max: 32,
            string_bytes_max: 256 * 1024,
            list_items_max: 10_000,
            map_entries_max: 10_000,
            variables_max: 200,
            memory_bytes_max: 16 * 1024 * 1024,
            result_bytes_max: 1024 * 1024,
        }
    }
}
