//! Changes to a policy, in terms of the JSON document that it is or stands for.

/// A change to a policy, in terms of the JSON document that it is or stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEdit {
    /// Puts a value at a place; a member that is not there yet is added at the end of its map.
    Set {
        /// Where.
        path: Vec<Step>,
        /// What.
        value: Value,
    },
    /// Adds a value at the end of a list; a single value becomes a list first.
    Append {
        /// The list, or the single value.
        path: Vec<Step>,
        /// What.
        value: Value,
    },
    /// Gives a member another name in its place.
    Rename {
        /// The member.
        path: Vec<Step>,
        /// The new name.
        name: String,
    },
    /// Takes a member or an element away.
    Remove {
        /// The member or element.
        path: Vec<Step>,
    },
}

/// A step into a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The last member of that name.
    Name(String),
    /// The element at that index; index 0 of a single value is the value itself.
    Index(usize),
}

/// A value that an edit writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Names and values in order.
    Map(Vec<(String, Value)>),
}
