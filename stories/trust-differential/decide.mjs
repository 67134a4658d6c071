// Decides trust policies with the core of @cloud-copilot/iam-simulate: JSON lines in, one word a
// line out. The package's public call drops condition keys that it does not know and combines the
// answer with the caller's own policies; the core decides the role's policy alone, as Rolecall does.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [packages, role] = process.argv.slice(2);
const from = (path) => import(pathToFileURL(`${packages}/@cloud-copilot/${path}`));
const { analyzeResourcePolicy } = await from('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js');
const { AwsRequestImpl } = await from('iam-simulate/dist/esm/request/request.js');
const { RequestContextImpl } = await from('iam-simulate/dist/esm/requestContext.js');
const { DiscoveryContextKeyConstraints } = await from(
  'iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js',
);
const { loadPolicy } = await from('iam-policy/dist/esm/index.js');

const strict = {
  simulationMode: 'Strict',
  discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
};
const words = {
  Allowed: 'allow',
  AllowedForAccount: 'allow',
  ExplicitlyDenied: 'explicit_deny',
  DeniedForAccount: 'explicit_deny',
  ImplicitlyDenied: 'implicit_deny',
  NotApplicable: 'implicit_deny',
};

let answers = [];
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let word;
  try {
    const resource = { resource: role, accountId: role.split(':')[4] };
    const context = new RequestContextImpl(question.context);
    const request = new AwsRequestImpl(question.principal, resource, question.action, context);
    const policy = loadPolicy(question.policy, { name: 'trust policy' });
    word = words[analyzeResourcePolicy(policy, request, false, strict).result] ?? 'unknown result';
  } catch (error) {
    word = `throws: ${error.message.split('\n')[0]}`;
  }
  answers.push(word);
  if (answers.length === 1000) {
    process.stdout.write(`${answers.join('\n')}\n`);
    answers = [];
  }
}
process.stdout.write(answers.map((answer) => `${answer}\n`).join(''));
