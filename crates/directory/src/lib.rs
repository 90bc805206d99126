//! What a tenant manages (R6, R7, R14): its users, their sessions, the labels of its assistants and its networks.
//!
//! Pure, as the decision is: records go in as a store has them, and changes come out that a store makes. The command
//! line makes all of a change at once; whoever has no store that can makes them in their order, in which what closes
//! stands before what opens.
//!
//! | place | what |
//! | --- | --- |
//! | [`edit`] | a change of a record, with what it was when it was read |
//! | [`roster`] | the users of a tenant |
//! | [`tenant`] | these, who is signed in, and whose tokens are taken back |
//! | [`standing`] | joining, leaving and what lies between, with all that it ends |
//! | [`sessions`] | who is signed in |
//! | [`revocations`] | tokens that are taken back |
//! | [`import`] | users from a CSV file, and what it would change |
//! | [`export`] | users as such a file |
//! | [`form`] | what a user's record may say |
//! | [`groups`] | groups that an identity provider provisions |
//! | [`labels`] | who may see which assistant |
//! | [`networks`] | what a tenant narrows, within what the operator allows |

pub mod edit;
pub mod export;
pub mod form;
pub mod groups;
pub mod import;
pub mod labels;
pub mod networks;
pub mod revocations;
pub mod roster;
pub mod sessions;
pub mod standing;
pub mod tenant;
