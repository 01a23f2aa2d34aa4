// What each service expects of a message posted to it, by its own documentation, named beside each.
import { type Notice, noticeJson, type Severity, severityColors } from '../notice.ts';
import { noticeText, shortened } from '../notice-text.ts';

export const formats = ['json', 'slack', 'teams', 'discord', 'ntfy', 'gotify'] as const;
export type Format = (typeof formats)[number];

export interface ServiceRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The request that tells the service of the notice. */
export const requestFor = (
  format: Format,
  notice: Notice,
  url: URL,
  token: string | undefined,
): ServiceRequest => {
  const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const plain = { url, headers: bearer };
  switch (format) {
    case 'json':
      return { ...plain, body: noticeJson(notice) };
    case 'slack':
      return { ...plain, body: slack(notice) };
    case 'teams':
      return { ...plain, body: teams(notice) };
    case 'discord':
      return { ...plain, body: discord(notice) };
    case 'ntfy':
      return { headers: bearer, ...ntfy(notice, url) };
    case 'gotify':
      return { ...gotify(notice, url), headers: token === undefined ? {} : { 'x-gotify-key': token } };
  }
};

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
const slack = (notice: Notice) => ({
  text: slackText(notice.title),
  attachments: [{ color: severityColors[notice.severity], text: slackText(noticeText(notice, 3000)) }],
});

/** https://docs.slack.dev/messaging/formatting-message-text: nobody is to be called by a file named <!channel>. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** An adaptive card, as the workflows of Teams take it: https://learn.microsoft.com/connectors/teams/ */
const teams = (notice: Notice) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        msteams: { width: 'Full' },
        body: [
          {
            type: 'TextBlock',
            text: withoutMarkdown(notice.title),
            weight: 'Bolder',
            wrap: true,
            color: teamsColors[notice.severity],
          },
          ...noticeText(notice, 15_000)
            .split('\n')
            .map((text) => ({
              type: 'TextBlock',
              text: withoutMarkdown(text),
              wrap: true,
              spacing: 'Small',
            })),
        ],
      },
    },
  ],
});

const teamsColors: Readonly<Record<Severity, string>> = {
  info: 'Good',
  warning: 'Warning',
  error: 'Attention',
};

/** Cards and Discord read Markdown; a table named `a_b_c` is none. */
const withoutMarkdown = (text: string): string => text.replaceAll(/[\\`*_~[\]|>#]/g, '\\$&');

/** https://discord.com/developers/docs/resources/webhook#execute-webhook, with the limits of an embed. */
const discord = (notice: Notice) => ({
  username: 'Holdfast',
  allowed_mentions: { parse: [] },
  embeds: [
    {
      title: shortened(withoutMarkdown(notice.title), 256),
      description: shortened(withoutMarkdown(noticeText(notice, 4096)), 4096),
      color: Number.parseInt(severityColors[notice.severity].slice(1), 16),
      timestamp: notice.at,
    },
  ],
});

/** https://docs.ntfy.sh/publish/#publish-as-json: the topic is the last part of the address, and goes into the body. */
const ntfy = (notice: Notice, address: URL) => {
  const [topic = '', ...folders] = address.pathname.split('/').filter(Boolean).toReversed();
  const url = new URL(address);
  url.pathname = `/${folders.toReversed().join('/')}`;
  return {
    url,
    body: {
      topic: decodeURIComponent(topic),
      title: shortened(notice.title, 250),
      message: shortenedToBytes(noticeText(notice), 4000),
      priority: { info: 2, warning: 4, error: 5 }[notice.severity],
      tags: [{ info: 'white_check_mark', warning: 'warning', error: 'rotating_light' }[notice.severity]],
    },
  };
};

/** Longer messages become attachments there. */
const shortenedToBytes = (text: string, limit: number): string => {
  let fitting = text;
  while (Buffer.byteLength(fitting) > limit) fitting = shortened(fitting, Math.floor(fitting.length * 0.9));
  return fitting;
};

/** https://gotify.net/docs/pushmsg: the address is that of the server, or of its /message. */
const gotify = (notice: Notice, address: URL) => {
  const url = new URL(address);
  if (!url.pathname.endsWith('/message')) url.pathname = `${url.pathname.replace(/\/$/, '')}/message`;
  return {
    url,
    body: {
      title: notice.title,
      message: noticeText(notice, 20_000),
      priority: { info: 2, warning: 5, error: 8 }[notice.severity],
    },
  };
};
