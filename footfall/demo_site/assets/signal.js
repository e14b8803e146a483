// Plays a browser that sends Global Privacy Control, on the page that says so.
"use strict";

Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true, configurable: true });
