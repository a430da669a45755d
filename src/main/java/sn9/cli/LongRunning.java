package sn9.cli;

/** A command that runs for hours: its effective configuration is printed at start. */
interface LongRunning {}
