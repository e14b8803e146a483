"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect } from "react";

/** Links, a route that is replaced by itself, and an effect that development runs twice. */
export default function First() {
  const router = useRouter();
  useEffect(() => {
    window.effects = (window.effects ?? 0) + 1;
    history.replaceState(history.state, "", location.href);
  }, []);
  return (
    <main>
      <Link id="two" href="/two">
        Two
      </Link>
      <button id="same" type="button" onClick={() => router.replace("/")}>
        The same
      </button>
    </main>
  );
}
