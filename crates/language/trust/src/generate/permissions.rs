//! What a role may do, for the targets that people open to workloads: as little as the target
//! needs, on the ARNs that are named.
//!
//! Actions are those of the service authorization reference; a list action that AWS ties to no
//! resource stands in a statement of its own with `*`.

use rolecall_documents::Value;
use rolecall_source::nearest;

use super::{GenerateError, map, one_or_more, text};
use crate::reason::placeholder;

/// Something that a role can be opened to.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// What it lets the role do.
    pub about: &'static str,
    /// What has to be known of it.
    pub parameters: &'static [TargetParameter],
    statements: &'static [Grant],
}

/// A parameter of a target.
#[derive(Debug, PartialEq, Eq)]
pub struct TargetParameter {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// A statement of a target. It is left out where a parameter that it names was.
#[derive(Debug, PartialEq, Eq)]
struct Grant {
    sid: &'static str,
    actions: &'static [&'static str],
    /// ARNs with `{parameter}`, `{partition}` and `{account}`; one for each combination of values.
    resources: &'static [&'static str],
    /// A condition, where there is one: operator, key, value.
    condition: Option<(&'static str, &'static str, &'static str)>,
}

/// A target with what it is to be opened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The target.
    pub target: &'static Target,
    /// Names and values of its parameters; a name that is given twice has several values.
    pub values: Vec<(String, String)>,
}

impl Permission {
    /// Reads `TARGET:NAME=VALUE,NAME=VALUE`.
    ///
    /// # Errors
    /// [`GenerateError`] for an unknown target or parameter, a missing one, or a value that cannot
    /// stand in an ARN.
    pub fn parse(text: &str) -> Result<Self, GenerateError> {
        let (name, parameters) = text.split_once(':').unwrap_or((text, ""));
        let target = TARGETS
            .iter()
            .find(|target| target.name == name)
            .ok_or_else(|| {
                let names = TARGETS.iter().map(|target| target.name);
                GenerateError::UnknownTarget {
                    name: name.to_owned(),
                    nearest: nearest(name, names.clone()).map(str::to_owned),
                    known: names.map(str::to_owned).collect(),
                }
            })?;
        let mut values = Vec::new();
        for part in parameters.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| GenerateError::Parameters(part.to_owned()))?;
            if !target
                .parameters
                .iter()
                .any(|parameter| parameter.name == name)
            {
                let names: Vec<&str> = target
                    .parameters
                    .iter()
                    .map(|parameter| parameter.name)
                    .collect();
                return Err(super::subject::unknown(name, &names));
            }
            checked(name, value)?;
            values.push((name.to_owned(), value.to_owned()));
        }
        let permission = Self { target, values };
        for parameter in target.parameters {
            if !parameter.optional && permission.values_of(parameter.name).next().is_none() {
                return Err(GenerateError::MissingParameter {
                    target: target.name,
                    name: parameter.name,
                    meaning: parameter.meaning,
                });
            }
        }
        Ok(permission)
    }

    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.values.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The statements.
    pub(super) fn statements(&self, partition: &str, account: &str) -> Vec<Value> {
        let mut statements = Vec::new();
        for grant in self.target.statements {
            let mut resources = Vec::new();
            for template in grant.resources {
                resources.extend(self.filled(template, partition, account));
            }
            if resources.is_empty() {
                continue;
            }
            let mut members = vec![
                ("Sid", text(grant.sid)),
                ("Effect", text("Allow")),
                (
                    "Action",
                    one_or_more(grant.actions.iter().map(|action| text(action))),
                ),
                (
                    "Resource",
                    one_or_more(resources.iter().map(|arn| text(arn))),
                ),
            ];
            if let Some((operator, key, template)) = grant.condition {
                let values = self.filled(template, partition, account);
                if !values.is_empty() {
                    let values = one_or_more(values.iter().map(|value| text(value)));
                    members.push(("Condition", map([(operator, map([(key, values)]))])));
                }
            }
            statements.push(map(members));
        }
        statements
    }

    /// The texts of a template, one for each combination of its parameters' values; none where a
    /// parameter has no value.
    fn filled(&self, template: &str, partition: &str, account: &str) -> Vec<String> {
        let mut texts = vec![
            template
                .replace("{partition}", partition)
                .replace("{account}", account),
        ];
        for parameter in self.target.parameters {
            let hole = format!("{{{}}}", parameter.name);
            // A part that may be missing, and its text with it.
            let gap = format!("{{{}?}}", parameter.name);
            if template.contains(&hole) {
                texts = texts
                    .iter()
                    .flat_map(|text| {
                        self.values_of(parameter.name)
                            .map(|value| text.replace(&hole, value))
                    })
                    .collect();
            } else if template.contains(&gap) {
                let mut values: Vec<&str> = self.values_of(parameter.name).collect();
                if values.is_empty() {
                    values.push("");
                }
                texts = texts
                    .iter()
                    .flat_map(|text| values.iter().map(|value| text.replace(&gap, value)))
                    .collect();
            }
        }
        let mut once: Vec<String> = Vec::new();
        for text in texts {
            if !once.contains(&text) {
                once.push(text);
            }
        }
        once
    }
}

fn checked(name: &str, value: &str) -> Result<(), GenerateError> {
    let refused = |why: &str| {
        Err(GenerateError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            why: why.to_owned(),
        })
    };
    let whole_arn = name == "kms_key";
    match value {
        "" => refused("it is empty"),
        _ if placeholder(value).is_some() => refused("it is a placeholder"),
        _ if whole_arn && !value.starts_with("arn:") => refused("it is no ARN"),
        _ if BUCKETS.contains(&name) && value.contains('/') => {
            refused("a bucket's name has no `/`")
        }
        _ if !whole_arn && !VERSIONED.contains(&name) && value.contains(':') => {
            refused("a name belongs here, and it has a colon")
        }
        _ if !value
            .chars()
            .all(|char| char.is_ascii_graphic() && !"\"\\$<>{}".contains(char)) =>
        {
            refused("it has characters that no ARN has")
        }
        _ => Ok(()),
    }
}

/// Parameters whose IDs may end in a version.
const VERSIONED: &[&str] = &["model", "profile"];
/// Parameters that are names of buckets.
const BUCKETS: &[&str] = &["bucket", "results", "data"];

const fn needs(name: &'static str, meaning: &'static str) -> TargetParameter {
    TargetParameter {
        name,
        meaning,
        optional: false,
    }
}

const fn may(name: &'static str, meaning: &'static str) -> TargetParameter {
    TargetParameter {
        name,
        meaning,
        optional: true,
    }
}

const fn grant(
    sid: &'static str,
    actions: &'static [&'static str],
    resources: &'static [&'static str],
) -> Grant {
    Grant {
        sid,
        actions,
        resources,
        condition: None,
    }
}

const REGION: TargetParameter = needs("region", "the region, such as `eu-central-1`");
const KEY: TargetParameter = may("kms_key", "the ARN of the key that encrypts the bucket");
const DECRYPT: Grant = grant("Decrypt", &["kms:Decrypt"], &["{kms_key}"]);
const ENCRYPT: Grant = grant(
    "Encrypt",
    &["kms:Decrypt", "kms:GenerateDataKey"],
    &["{kms_key}"],
);

/// The targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "athena",
        about: "queries of a workgroup over a Glue database, results in a bucket",
        parameters: &[
            REGION,
            needs("workgroup", "the workgroup, `primary` by default"),
            needs("database", "the Glue database"),
            needs("results", "the bucket for results"),
            needs("data", "the bucket of the tables' data"),
            KEY,
        ],
        statements: &[
            grant(
                "AthenaQueries",
                &[
                    "athena:StartQueryExecution",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:StopQueryExecution",
                    "athena:ListQueryExecutions",
                    "athena:GetWorkGroup",
                ],
                &["arn:{partition}:athena:{region}:{account}:workgroup/{workgroup}"],
            ),
            grant("AthenaWorkgroups", &["athena:ListWorkGroups"], &["*"]),
            grant(
                "AthenaCatalog",
                &[
                    "glue:GetDatabase",
                    "glue:GetDatabases",
                    "glue:GetTable",
                    "glue:GetTables",
                    "glue:GetPartition",
                    "glue:GetPartitions",
                ],
                &[
                    "arn:{partition}:glue:{region}:{account}:catalog",
                    "arn:{partition}:glue:{region}:{account}:database/{database}",
                    "arn:{partition}:glue:{region}:{account}:table/{database}/*",
                ],
            ),
            grant(
                "AthenaResultsBucket",
                &[
                    "s3:GetBucketLocation",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                ],
                &["arn:{partition}:s3:::{results}"],
            ),
            grant(
                "AthenaResults",
                &[
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                &["arn:{partition}:s3:::{results}/*"],
            ),
            grant(
                "AthenaDataBucket",
                &["s3:GetBucketLocation", "s3:ListBucket"],
                &["arn:{partition}:s3:::{data}"],
            ),
            grant(
                "AthenaData",
                &["s3:GetObject"],
                &["arn:{partition}:s3:::{data}/*"],
            ),
            ENCRYPT,
        ],
    },
    Target {
        name: "s3-read",
        about: "reading a bucket, or what is below a prefix",
        parameters: &[
            needs("bucket", "the bucket"),
            may("prefix", "what keys begin with, such as `exports/`"),
            KEY,
        ],
        statements: &[
            BUCKET,
            LIST,
            grant(
                "BucketRead",
                &["s3:GetObject"],
                &["arn:{partition}:s3:::{bucket}/{prefix?}*"],
            ),
            DECRYPT,
        ],
    },
    Target {
        name: "s3-write",
        about: "reading, writing and deleting in a bucket, or below a prefix: export buckets, pre-aggregations",
        parameters: &[
            needs("bucket", "the bucket"),
            may("prefix", "what keys begin with, such as `exports/`"),
            KEY,
        ],
        statements: &[
            BUCKET,
            LIST,
            grant(
                "BucketWrite",
                &[
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                &["arn:{partition}:s3:::{bucket}/{prefix?}*"],
            ),
            ENCRYPT,
        ],
    },
    Target {
        name: "redshift",
        about: "signing in to a database of a provisioned Redshift cluster",
        parameters: &[
            REGION,
            needs("cluster", "the cluster"),
            needs("database", "the database"),
        ],
        statements: &[
            grant(
                "RedshiftSignIn",
                &["redshift:GetClusterCredentialsWithIAM"],
                &["arn:{partition}:redshift:{region}:{account}:dbname:{cluster}/{database}"],
            ),
            grant("RedshiftClusters", &["redshift:DescribeClusters"], &["*"]),
        ],
    },
    Target {
        name: "redshift-serverless",
        about: "signing in to a Redshift Serverless workgroup",
        parameters: &[REGION, needs("workgroup_id", "the workgroup's UUID")],
        statements: &[grant(
            "RedshiftServerlessSignIn",
            &[
                "redshift-serverless:GetCredentials",
                "redshift-serverless:GetWorkgroup",
            ],
            &["arn:{partition}:redshift-serverless:{region}:{account}:workgroup/{workgroup_id}"],
        )],
    },
    Target {
        name: "rds",
        about: "signing in to an RDS or Aurora database as a database user",
        parameters: &[
            REGION,
            needs(
                "resource_id",
                "the resource ID, `db-…` or `cluster-…`; not the identifier",
            ),
            needs("user", "the database user"),
        ],
        statements: &[grant(
            "RdsSignIn",
            &["rds-db:connect"],
            &["arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}"],
        )],
    },
    Target {
        name: "bedrock",
        about: "calling foundation models, directly or through inference profiles",
        parameters: &[
            needs(
                "region",
                "the region; with a profile, every region that it routes to",
            ),
            needs(
                "model",
                "the model's ID, such as `anthropic.claude-sonnet-4-20250514-v1:0`",
            ),
            may("profile", "the inference profile's ID"),
        ],
        statements: &[
            grant(
                "BedrockModels",
                INVOKE,
                &["arn:{partition}:bedrock:{region}::foundation-model/{model}"],
            ),
            grant(
                "BedrockProfiles",
                INVOKE,
                &["arn:{partition}:bedrock:{region}:{account}:inference-profile/{profile}"],
            ),
        ],
    },
];

/// `Converse` and `ConverseStream` are authorised by these two.
const INVOKE: &[&str] = &[
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
];
const BUCKET: Grant = grant(
    "BucketLocation",
    &["s3:GetBucketLocation"],
    &["arn:{partition}:s3:::{bucket}"],
);
const LIST: Grant = Grant {
    condition: Some(("StringLike", "s3:prefix", "{prefix}*")),
    ..grant(
        "BucketList",
        &["s3:ListBucket"],
        &["arn:{partition}:s3:::{bucket}"],
    )
};
