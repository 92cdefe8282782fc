package hive

import "strings"

// escape makes a text fit to be part of one folder name: everything but
// letters, digits and a few signs becomes %XX, and so does a leading dot or
// underscore, which would hide the folder.
func escape(v string) string {
	const hex = "0123456789ABCDEF"
	var sb strings.Builder
	for i := range len(v) {
		c := v[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == ' ', c == '+', c == ',', c >= 0x80,
			(c == '.' || c == '_') && i > 0, c == '_' && v == Null:
			sb.WriteByte(c)
		default:
			sb.WriteByte('%')
			sb.WriteByte(hex[c>>4])
			sb.WriteByte(hex[c&15])
		}
	}
	return sb.String()
}

// unescape is the inverse of escape; a % without two digits stands for itself.
func unescape(v string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
	var sb strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if hi, lo := digit(v[i+1]), digit(v[i+2]); hi >= 0 && lo >= 0 {
				sb.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		sb.WriteByte(v[i])
	}
	return sb.String()
}
