/**
 * Templates and chats that the tests of this folder share.
 *
 * @module
 */

import type { ChatMessage } from "./messages.ts";

/** Llama 2's format: BOS and EOS round each turn, texts trimmed. */
export const LLAMA2_TEMPLATE = `
{%- if messages[0]['role'] == 'system' -%}
  {%- set intro = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' -%}
  {%- set turns = messages[1:] -%}
{%- else -%}
  {%- set intro = '' -%}
  {%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
  {%- if message['role'] == 'user' -%}
    {{ bos_token + '[INST] ' + (intro if loop.first else '') }}
    {{- message['content'].strip() + ' [/INST]' }}
  {%- else -%}
    {{ ' ' + message['content'].strip() + ' ' + eos_token }}
  {%- endif -%}
{%- endfor -%}`;

/** ChatML, written as its models' files have it. */
export const CHATML_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Makes a chat of texts: the user's first, then in turn. */
export function createChat(...texts: string[]): ChatMessage[] {
  return texts.map((content, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content,
  }));
}

/** Makes a seeded source of whole numbers from 0 to below a limit. */
export function createRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
