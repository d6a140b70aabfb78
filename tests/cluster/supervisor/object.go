package main

import "slices"

// object is a Kubernetes object as JSON has it. What is not there reads as empty, whatever stands in its place.
type object map[string]any

func (o object) at(path ...string) any {
	var here any = map[string]any(o)
	for _, part := range path {
		inside, ok := here.(map[string]any)
		if !ok {
			return nil
		}
		here = inside[part]
	}
	return here
}

func (o object) text(path ...string) string {
	text, _ := o.at(path...).(string)
	return text
}

func (o object) object(path ...string) object {
	inside, _ := o.at(path...).(map[string]any)
	return inside
}

func (o object) has(path ...string) bool { return o.at(path...) != nil }

// objects are the objects of a list.
func (o object) objects(path ...string) []object {
	list, _ := o.at(path...).([]any)
	found := make([]object, 0, len(list))
	for _, one := range list {
		inside, _ := one.(map[string]any)
		found = append(found, inside)
	}
	return found
}

func (o object) texts(path ...string) []string {
	list, _ := o.at(path...).([]any)
	found := make([]string, 0, len(list))
	for _, one := range list {
		if text, ok := one.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

func (o object) number(path ...string) (int, bool) {
	number, ok := o.at(path...).(float64)
	return int(number), ok
}

func (o object) name() string      { return o.text("metadata", "name") }
func (o object) namespace() string { return o.text("metadata", "namespace") }
func (o object) uid() string       { return o.text("metadata", "uid") }
func (o object) annotation(name string) string {
	return o.text("metadata", "annotations", name)
}
func (o object) goes() bool { return o.has("metadata", "deletionTimestamp") }

// key is NAMESPACE/NAME, or NAME.
func (o object) key() string {
	if space := o.namespace(); space != "" {
		return space + "/" + o.name()
	}
	return o.name()
}

// condition is the status of a condition: True, False, Unknown or nothing.
func (o object) condition(kind string) string {
	for _, one := range o.objects("status", "conditions") {
		if one.text("type") == kind {
			return one.text("status")
		}
	}
	return ""
}

// matches says whether the labels have all that a selector asks for; an empty selector matches nothing.
func (o object) matches(selector object) bool {
	for name := range selector {
		if o.text("metadata", "labels", name) != selector.text(name) {
			return false
		}
	}
	return len(selector) > 0
}

// sorted are the keys of a map in order.
func sorted[V any](of map[string]V) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
