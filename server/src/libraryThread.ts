/** @file Entry of the thread that loads TensorFlow's libraries while an analysis reads its files. They stay loaded when it ends. */

import { loadBinding } from "./engine/tensorflow/binding";

// What is wrong with them is found, and said, by whoever uses them.
loadBinding();
