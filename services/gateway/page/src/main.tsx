// Where the page begins.

import { render } from "preact";

import { Desk, DeskProvider } from "./desk.ts";
import { Page } from "./page.tsx";
import "./style/tokens.css";
import "./style/page.css";
import "./style/row.css";
import "./style/details.css";
import "./style/settings.css";
import "./style/views.css";
import "./style/forms.css";
import "./style/job.css";
import "./style/tools.css";

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no #page");

const desk = new Desk();
void desk.start();
render(
  <DeskProvider value={desk}>
    <Page />
  </DeskProvider>,
  root,
);
