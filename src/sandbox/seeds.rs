//! Who is there when a sandbox starts: the users and organizations that the sample events name.
//! Knows nothing of requests.

use super::organization::Organization;
use super::store::{Store, User};

const USERS: [&str; 4] = ["Ada", "Bob", "Carol", "Dan"];
const ORGANIZATIONS: [&str; 3] = ["Acme", "Globex", "Initech"];

/// Fills an empty store.
pub(super) fn sow(store: &mut Store, now: i64) {
    for name in USERS {
        let user = user(store, name, now);
        store.add_user(user);
    }
    for name in ORGANIZATIONS {
        let handle = name.to_lowercase();
        let organization = Organization::new(format!("org_{handle}"), name.to_owned(), now).with_slug(handle);
        store.add_organization(organization);
    }
}

fn user(store: &mut Store, name: &str, now: i64) -> User {
    let handle = name.to_lowercase();
    let mut user = User::new(format!("user_{handle}"), now);
    user.external_id = Some(format!("ext_{handle}"));
    user.first_name = Some(name.to_owned());
    user.email_addresses = vec![store.email_address(format!("{handle}@example.com"))];
    user
}
